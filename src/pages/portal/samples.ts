/**
 * One lookup in each language, as a partner pastes it: it reads the key and the CPF from the environment, so that neither
 * stands in code, and prints the score or what went wrong. Each is run by a test where the machine has its tool.
 */
export const SAMPLE_LANGUAGES = ["curl", "python", "php", "java", "csharp", "node", "go", "ruby"] as const;
export type SampleLanguage = (typeof SAMPLE_LANGUAGES)[number];

export type Sample = {
  readonly name: string;
  readonly file: string;
  readonly run: string;
  readonly text: (origin: string) => string;
};

export const SAMPLES: Readonly<Record<SampleLanguage, Sample>> = {
  curl: {
    name: "curl",
    file: "score.sh",
    run: "sh score.sh",
    text: (origin) => `curl -sS "${origin}/v1/scores" \\
  -H "Authorization: Bearer $API_KEY" \\
  -H "Content-Type: application/json" \\
  -d "{\\"cpf\\": \\"$CPF\\", \\"reference\\": \\"pedido-1234\\"}"
`,
  },
  python: {
    name: "Python",
    file: "score.py",
    run: "python3 score.py",
    text: (origin) => `import json
import os
import urllib.error
import urllib.request

request = urllib.request.Request(
    "${origin}/v1/scores",
    data=json.dumps({"cpf": os.environ["CPF"], "reference": "pedido-1234"}).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["API_KEY"],
        "Content-Type": "application/json",
        "User-Agent": "loja/1.0",
    },
)
try:
    with urllib.request.urlopen(request, timeout=30) as response:
        print(json.load(response)["score"])
except urllib.error.HTTPError as error:
    problem = json.load(error)
    print(problem["code"], problem["detail"])
`,
  },
  php: {
    name: "PHP",
    file: "score.php",
    run: "php score.php",
    text: (origin) => `<?php
$context = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [
        'Authorization: Bearer ' . getenv('API_KEY'),
        'Content-Type: application/json',
    ],
    'content' => json_encode(['cpf' => getenv('CPF'), 'reference' => 'pedido-1234']),
    'timeout' => 30,
    'ignore_errors' => true,
]]);
$answer = json_decode(file_get_contents('${origin}/v1/scores', false, $context), true);
echo isset($answer['score']) ? $answer['score'] : $answer['code'] . ' ' . $answer['detail'], PHP_EOL;
`,
  },
  java: {
    name: "Java",
    file: "Score.java",
    run: "java Score.java",
    text: (origin) => `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

public class Score {
    public static void main(String[] args) throws Exception {
        String body = "{\\"cpf\\": \\"" + System.getenv("CPF") + "\\", \\"reference\\": \\"pedido-1234\\"}";
        HttpRequest request = HttpRequest.newBuilder(URI.create("${origin}/v1/scores"))
            .timeout(Duration.ofSeconds(30))
            .header("Authorization", "Bearer " + System.getenv("API_KEY"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(response.statusCode() + " " + response.body());
    }
}
`,
  },
  csharp: {
    name: "C#",
    file: "Program.cs",
    run: "dotnet run",
    text: (origin) => `using System.Net.Http.Headers;
using System.Net.Http.Json;

using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
client.DefaultRequestHeaders.Authorization =
    new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("API_KEY"));
var response = await client.PostAsJsonAsync("${origin}/v1/scores", new
{
    cpf = Environment.GetEnvironmentVariable("CPF"),
    reference = "pedido-1234",
});
Console.WriteLine($"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
`,
  },
  node: {
    name: "Node",
    file: "score.mjs",
    run: "node score.mjs",
    text: (origin) => `const response = await fetch("${origin}/v1/scores", {
  method: "POST",
  headers: {
    Authorization: \`Bearer \${process.env.API_KEY}\`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({ cpf: process.env.CPF, reference: "pedido-1234" }),
  signal: AbortSignal.timeout(30_000),
});
const answer = await response.json();
console.log(response.ok ? answer.score : \`\${answer.code} \${answer.detail}\`);
`,
  },
  go: {
    name: "Go",
    file: "score.go",
    run: "go run score.go",
    text: (origin) => `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	body, _ := json.Marshal(map[string]string{"cpf": os.Getenv("CPF"), "reference": "pedido-1234"})
	request, err := http.NewRequest("POST", "${origin}/v1/scores", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(answer))
}
`,
  },
  ruby: {
    name: "Ruby",
    file: "score.rb",
    run: "ruby score.rb",
    text: (origin) => `require "json"
require "net/http"

uri = URI("${origin}/v1/scores")
request = Net::HTTP::Post.new(uri, {
  "Authorization" => "Bearer #{ENV.fetch("API_KEY")}",
  "Content-Type" => "application/json",
})
request.body = JSON.generate(cpf: ENV.fetch("CPF"), reference: "pedido-1234")
response = Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == "https", read_timeout: 30) do |http|
  http.request(request)
end
answer = JSON.parse(response.body)
puts response.is_a?(Net::HTTPSuccess) ? answer["score"] : "#{answer["code"]} #{answer["detail"]}"
`,
  },
};
