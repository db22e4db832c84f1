import * as z from "zod";
import { parsePeriod, type Period } from "../domain/period.ts";
import { told } from "./language.ts";

/** What stands in paths as `:name`. A path whose part does not fit is 404, and costs nothing. */
const PATH_PARAMETERS = {
  tenantId: z
    .string()
    .regex(/^ten_[0-9A-Za-z_]{1,40}$/)
    .meta(told({ "pt-BR": "O id de um parceiro.", en: "A tenant's id." }, { examples: ["ten_0123456789abcdef0123"] })),
  keyId: z
    .string()
    .regex(/^csg_(?:live|test)_[0-9A-Za-z]{10}$/)
    .meta(
      told(
        { "pt-BR": "A primeira parte de uma chave de API.", en: "The first part of an API key." },
        { examples: ["csg_live_a1B2c3D4e5"] },
      ),
    ),
  operatorId: z
    .string()
    .regex(/^csg_op_[0-9A-Za-z]{10}$/)
    .meta(
      told(
        { "pt-BR": "A primeira parte do token de um operador.", en: "The first part of an operator's token." },
        { examples: ["csg_op_a1B2c3D4e5"] },
      ),
    ),
  period: z
    .string()
    .regex(/^[0-9]{4}-(?:0[1-9]|1[0-2])$/)
    .meta(
      told(
        { "pt-BR": "Um mês no horário de São Paulo.", en: "A month of `America/Sao_Paulo`." },
        { examples: ["2026-11"] },
      ),
    )
    .transform((text, context): Period => {
      const period = parsePeriod(text);
      if (period.ok) return period.value;
      context.addIssue({ code: "custom", message: "no month" });
      return z.NEVER;
    }),
  periodFile: z
    .string()
    .regex(/^[0-9]{4}-(?:0[1-9]|1[0-2])(?:\.json|\.csv|\.pt-br\.csv)?$/)
    .meta(
      told(
        {
          "pt-BR": "Um mês, com `.json`, `.csv` ou `.pt-br.csv` se quiser um arquivo.",
          en: "A month, with `.json`, `.csv` or `.pt-br.csv` for a file.",
        },
        { examples: ["2026-11"] },
      ),
    ),
  kid: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .meta(told({ "pt-BR": "O nome de uma chave.", en: "A key's name." }, { examples: ["export-2026"] })),
  restrictionId: z
    .string()
    .regex(/^rst_[0-9a-f]{20}$/)
    .meta(
      told(
        { "pt-BR": "O id de uma restrição.", en: "A restriction's id." },
        { examples: ["rst_0123456789abcdef0123"] },
      ),
    ),
  reconciliationId: z
    .string()
    .regex(/^rec_[0-9a-f]{20}$/)
    .meta(
      told(
        { "pt-BR": "O id de uma conciliação.", en: "A reconciliation's id." },
        { examples: ["rec_0123456789abcdef0123"] },
      ),
    ),
  differencesFile: z
    .string()
    .regex(/^differences(?:\.pt-br)?\.csv$/)
    .meta(
      told(
        {
          "pt-BR": "As diferenças, com pontos decimais ou, em `.pt-br.csv`, para planilhas brasileiras.",
          en: "The differences, with decimal points or, as `.pt-br.csv`, for a Brazilian spreadsheet.",
        },
        { examples: ["differences.csv"] },
      ),
    ),
  lookupId: z
    .string()
    .regex(/^lkp_[0-9A-Za-z-]{1,60}$/)
    .meta(
      told(
        { "pt-BR": "O id de uma consulta.", en: "A lookup's id." },
        { examples: ["lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e"] },
      ),
    ),
  linkSecret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{32}$/)
    .meta(
      told(
        { "pt-BR": "O segredo de um link de acesso.", en: "The secret of a sign-in link." },
        { examples: ["Zm9yIHRoZSBleGFtcGxlIG9ubHkh0123"] },
      ),
    ),
  file: z
    .string()
    .regex(/^[a-z0-9.-]{1,64}$/)
    .meta(told({ "pt-BR": "Um arquivo do extrato.", en: "A file of the statement." }, { examples: ["events.csv"] })),
} as const satisfies Readonly<Record<string, z.ZodType>>;

export type PathValues = { readonly [Name in keyof typeof PATH_PARAMETERS]: z.output<(typeof PATH_PARAMETERS)[Name]> };

/** The names in a path. */
export function parameterNames(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
}

/** A path's parameter by its name; throws for one that nobody described. */
export function pathParameter(name: string): z.ZodType {
  const schema = (PATH_PARAMETERS as Readonly<Record<string, z.ZodType>>)[name];
  if (schema === undefined) throw new Error(`The path parameter ${name} has no description`);
  return schema;
}

/** Whether a text could stand in a path under this name. */
export function isPathPart(name: keyof PathValues, text: string): boolean {
  return PATH_PARAMETERS[name].safeParse(text).success;
}
