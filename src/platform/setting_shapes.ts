import * as z from "zod";

/** What the gateway's own secrets need at least: 32 hexadecimal digits are 128 bits. */
const SECRET_CHARACTERS = 32;
const DIFFERENT_CHARACTERS = 10;
/** The rule of before. An old secret that is being replaced may still be as short as that rule allowed. */
const FORMER_CHARACTERS = 16;
const LONGEST_SECRET = 1024;

const VISIBLE_ASCII = /^[\x21-\x7e]*$/;
/** Control and format characters, lone surrogates, unassigned ones. */
const UNPRINTABLE = /\p{C}/u;

type Rule = readonly [isBroken: (text: string) => boolean, reason: string];

/** What no value of any setting may have. A secret that was piped through `echo` ends with a line end, for one. */
const ANY_TEXT: readonly Rule[] = [
  [(text) => text === "", "is empty"],
  [(text) => UNPRINTABLE.test(text), "holds a control character or a line end"],
  [(text) => text.trim() !== text, "begins or ends with a blank"],
];

/** A text that keeps all rules. The first one that is broken is the reason; the value is never told. */
function textOf(shape: string, rules: readonly Rule[] = []) {
  return z
    .string()
    .superRefine((value, context) => {
      const broken = [...ANY_TEXT, ...rules].find(([isBroken]) => isBroken(value));
      if (broken !== undefined) context.addIssue({ code: "custom", message: broken[1] });
    })
    .describe(shape);
}

function strength(characters: number): readonly Rule[] {
  return [
    [(value) => Array.from(value).length < characters, `has under ${characters} characters`],
    [(value) => new Set(value).size < DIFFERENT_CHARACTERS, `has under ${DIFFERENT_CHARACTERS} different characters`],
    [(value) => value.length > LONGEST_SECRET, `has over ${LONGEST_SECRET} characters`],
  ];
}

const STRONG = `at least ${SECRET_CHARACTERS} characters, ${DIFFERENT_CHARACTERS} of them different`;

/** A key of an HMAC or of a cipher: any text. */
export const secret = textOf(STRONG, strength(SECRET_CHARACTERS));

/** One that is being replaced, and whose short texts were fine when it was made: it guards nothing new. */
export const formerSecret = textOf(
  `the secret of before: at least ${FORMER_CHARACTERS} characters, ${DIFFERENT_CHARACTERS} of them different`,
  strength(FORMER_CHARACTERS),
);

const carried: Rule = [(value) => !VISIBLE_ASCII.test(value), "holds a character that a header cannot carry"];

/** A secret that callers send in `Authorization: Bearer`. */
export const bearerSecret = textOf(`${STRONG}, visible ASCII without blanks`, [
  ...strength(SECRET_CHARACTERS),
  carried,
]);

/** Claro takes id and secret as `Basic` in UTF-8, joined by a colon (RFC 7617). */
export const clientId = textOf("what Claro gave, without a colon", [
  [(value) => value.includes(":"), "holds a colon, which ends the id in a Basic credential"],
]);
export const clientSecret = textOf("what Claro gave");

export const audience = textOf("the application's AUD tag", [carried]);

/** A line of a document that people read. */
export function line(what: string, longest = 200) {
  return textOf(`${what}: one line of at most ${longest} characters`, [
    [(value) => Array.from(value).length > longest, `has over ${longest} characters`],
  ]);
}

export const contact = textOf("an address to write to: https://… or mailto:…", [
  [(value) => !/^(?:https:\/\/|mailto:)[\x21-\x7e]{3,300}$/.test(value), "is no https or mailto address"],
]);

export const cnpj = textOf("a CNPJ: 14 characters, with or without punctuation", [
  [
    (value) => !/^(?:[0-9A-Z]{12}[0-9]{2}|[0-9A-Z]{2}(?:\.[0-9A-Z]{3}){2}\/[0-9A-Z]{4}-[0-9]{2})$/.test(value),
    "is no CNPJ",
  ],
]);

/** An address that a request can be made to: no user, no query, no fragment. */
export const url = textOf("an https URL without user, query and fragment (http: for a gateway on this machine only)", [
  [(value) => !isPlainUrl(value), "is no such URL"],
]);

/** `team.cloudflareaccess.com`, or that as an origin; written as the origin. */
export const teamUrl = textOf("", [[(value) => !isPlainUrl(withScheme(value)), "is no host"]])
  .transform((value) => new URL(withScheme(value)).origin)
  .describe("the team's host, `<team>.cloudflareaccess.com`");

/** A whole number, as a text or as `wrangler.toml` writes numbers. */
export function wholeNumber(least: number, most: number, unit: string) {
  return z
    .union([z.number(), z.string().regex(/^-?\d{1,15}$/)])
    .transform(Number)
    .pipe(z.int().min(least).max(most))
    .describe(`a whole number of ${unit} from ${least} to ${most}`);
}

/** `true` or `false`, as a text or as `wrangler.toml` writes truth. */
export const yesOrNo = z
  .union([z.boolean(), z.enum(["true", "false"])])
  .transform((value) => value === true || value === "true")
  .describe("`true` or `false`");

const base64Url32Bytes = z.string().regex(/^[\w-]{43}$/);

/** An Ed25519 private key as a JWK (RFC 8037). `kid` is how manifests name it: a new key needs a new one. */
export const signingKey = textOf("")
  .transform((value, context) => {
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "is no JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: base64Url32Bytes,
      d: base64Url32Bytes,
      kid: z.string().regex(/^[\x21-\x7e]{1,64}$/),
    }),
  )
  .describe("an Ed25519 key as a JWK with a `kid`, as `npm run ctl -- statements new-key` makes it");

function isPlainUrl(value: string): boolean {
  const parsed = URL.parse(value);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || /\s/.test(value)) return false;
  return [parsed.username, parsed.password, parsed.search, parsed.hash].every((part) => part === "");
}

function withScheme(value: string): string {
  return value.includes("://") ? value : `https://${value}`;
}
