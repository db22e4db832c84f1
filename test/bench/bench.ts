import { parseArgs } from "node:util";
import { measureThroughput, printThroughput } from "./sections/throughput.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
  },
});
const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
const throughput = await measureThroughput(options);
console.log(values.json ? JSON.stringify({ throughput }) : printThroughput(throughput));
