import { parseArgs } from "node:util";
import { measureDistance, printDistance } from "./sections/distance.ts";
import { measureGrowth, printGrowth } from "./sections/growth.ts";
import { measureThroughput, printThroughput } from "./sections/throughput.ts";

const SECTIONS = ["throughput", "distance", "growth"] as const;
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    json: { type: "boolean", default: false },
    only: { type: "string", default: SECTIONS.join(",") },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
  },
});
const options = {
  events: Number(values.events),
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
};
if (values.only.includes("throughput")) console.log(printThroughput(await measureThroughput(options)));
if (values.only.includes("distance")) console.log(printDistance(await measureDistance(options)));
if (values.only.includes("growth")) console.log(printGrowth(await measureGrowth(options)));
