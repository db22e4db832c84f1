import { parseCpf } from "../../src/domain/cpf.ts";

const WRITTEN_CPF = /(?<![0-9A-Za-z_-])(?:[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}|[0-9]{11})(?![0-9A-Za-z_-])/g;
const SECRETS = [
  /csg_(?:live|test)_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}/g,
  /eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
  /test-[a-z-]*(?:token|secret)-0123456789/g,
  /test-gateway-secret/g,
];

/** Lines of a log in which there is a CPF, an API key, a token or a secret, each with what was found. */
export function findPersonalData(log: string): string[] {
  return log.split("\n").flatMap((line, index) => {
    const cpfs = (line.match(WRITTEN_CPF) ?? []).filter((text) => parseCpf(text).ok);
    const secrets = SECRETS.flatMap((pattern) => line.match(pattern) ?? []);
    return [...cpfs, ...secrets].map((found) => `line ${index + 1}: ${found}`);
  });
}
