!/bin/bash

url_score=https://api.claro.com.br/customers/v1/scores
url_token=https://api.claro.com.br/oauth2/v1/token
cpf="XXXXXXXXXXX"
key=XXXXXXXXXXXXXXXXXXXXXXXXXXX
secret=XXXXXXXXX


senha=$( echo -n $key:$secret | base64)


curl -X POST $url_token  -H 'Content-Type: application/x-www-form-urlencoded' -H 'cache-control: no-cache' -d 'grant_type=client_credentials' -H "x-client-auth: Basic $senha" > json

grep 'access_token' json > atributoJson

token=$(cut -d'"' -f4 atributoJson )

curl -X POST $url_score -H 'Content-Type: application/json' -H 'cache-control: no-cache' -H "x-client-auth: Bearer $token" -H "X-CustomerID: claro_exemplo"  -d '{"data": {"customer":{"idCpf": "'$cpf'"}}}'
