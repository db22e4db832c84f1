import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpfCheckDigits, type Cpf } from "../../src/domain/cpf.ts";
import { holdsCpf, looksLikeCpf } from "../../src/domain/cpf_like.ts";

const KNOWN = ["52998224725", "11144477735", "12345678909", "00000000191"] as Cpf[];

/** Where each script has its zero. Written from the code charts, not from the code. */
const ZEROS: Readonly<Record<string, number>> = {
  "Arabic-Indic": 0x660,
  "Eastern Arabic": 0x6f0,
  Devanagari: 0x966,
  Bengali: 0x9e6,
  Thai: 0xe50,
  Tibetan: 0xf20,
  "full-width": 0xff10,
  "Tai Tham Hora": 0x1a80,
  "Tai Tham Tham": 0x1a90,
  "mathematical bold": 0x1d7ce,
  "mathematical double-struck": 0x1d7d8,
  "mathematical monospace": 0x1d7f6,
  Adlam: 0x1e950,
};

const cpfs = fc
  .stringMatching(/^[0-9]{9}$/)
  .map((nine) => `${nine}${cpfCheckDigits(nine)}` as Cpf)
  .filter((cpf) => new Set(cpf).size > 1);
const word = fc.stringMatching(/^[A-Za-zçã]{0,5}$/);
const gap = fc.constantFrom("", ".", "-", " ", "/", "_", " - ", "·", "\u200b", "\u2060", "\u00ad", "\u00a0", "#", "\n");
const zero = fc.constantFrom(0x30, ...Object.values(ZEROS));

function inScript(digits: string, zeroCode: number): string {
  return [...digits].map((digit) => String.fromCodePoint(zeroCode + Number(digit))).join("");
}

function grouped(cpf: string): string {
  return `${cpf.slice(0, 3)}.${cpf.slice(3, 6)}.${cpf.slice(6, 9)}-${cpf.slice(9)}`;
}

describe("looksLikeCpf", () => {
  test("finds a CPF between words, whatever its digits' scripts and groups", () => {
    fc.assert(
      fc.property(
        cpfs,
        word,
        word,
        fc.array(fc.tuple(gap, zero), { minLength: 11, maxLength: 11 }),
        (cpf, left, right, places) => {
          const spread = [...cpf].map((digit, index) => {
            const [before, zeroCode] = places[index] ?? ["", 0x30];
            return `${index === 0 ? "" : before}${inScript(digit, zeroCode)}`;
          });
          expect(looksLikeCpf(`${left}${spread.join("")}${right}`)).toBe(true);
        },
      ),
    );
  });

  test.each(Object.entries(ZEROS))("knows %s digits", (_script, zeroCode) => {
    for (const cpf of KNOWN) {
      expect(looksLikeCpf(inScript(cpf, zeroCode))).toBe(true);
      expect(holdsCpf(inScript(cpf, zeroCode), cpf)).toBe(true);
    }
  });

  test.each([
    ["negative circled", "⓿❶❷❸❹❺❻❼❽❾"],
    ["sans-serif circled", "🄋➀➁➂➃➄➅➆➇➈"],
    ["negative sans-serif circled", "🄌➊➋➌➍➎➏➐➑➒"],
    ["double circled", "⓪⓵⓶⓷⓸⓹⓺⓻⓼⓽"],
    ["Han", "〇一二三四五六七八九"],
    ["Han with the other zero", "零一二三四五六七八九"],
    ["Ethiopic", "0፩፪፫፬፭፮፯፰፱"],
    ["parenthesized", "0⑴⑵⑶⑷⑸⑹⑺⑻⑼"],
    ["keycap", ["0️⃣", "1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣"]],
  ])("knows %s digits, which are not decimal ones", (_script, digits) => {
    const signs = [...digits];
    for (const cpf of KNOWN) {
      const text = [...cpf].map((digit) => signs[Number(digit)]).join("");
      expect(looksLikeCpf(text), text).toBe(true);
      expect(holdsCpf(`nº ${text}`, cpf), text).toBe(true);
    }
  });

  test.each<[string, (cpf: string) => string]>([
    ["as it is", (cpf) => cpf],
    ["with its punctuation", grouped],
    ["in blanks", (cpf) => grouped(cpf).replaceAll(/\D/g, " ")],
    ["as nine and two", (cpf) => `${cpf.slice(0, 9)}/${cpf.slice(9)}`],
    ["a digit each", (cpf) => [...cpf].join(" ")],
    ["with a soft hyphen", (cpf) => `${cpf.slice(0, 5)}\u00ad${cpf.slice(5)}`],
    ["with zero-width characters", (cpf) => [...cpf].join("\u200b")],
    ["with direction marks", (cpf) => `\u202e${cpf.slice(0, 4)}\u200f${cpf.slice(4)}\u202c`],
    ["on two lines", (cpf) => `${cpf.slice(0, 6)}\r\n${cpf.slice(6)}`],
    ["beside a date", (cpf) => `${cpf}-2026-11-23`],
    ["after a number", (cpf) => `12 ${cpf}`],
    ["between numbers", (cpf) => `7/${grouped(cpf)}/8`],
    ["after letters", (cpf) => `cpf${cpf}`],
    ["before letters", (cpf) => `${cpf}x`],
    ["before a superior digit", (cpf) => `${cpf}²`],
    ["before a fraction", (cpf) => `${cpf}½`],
    ["in circled digits", (cpf) => [...cpf].map((digit) => (digit === "0" ? "⓪" : inScript(digit, 0x245f))).join("")],
    ["in superior digits", (cpf) => [...cpf].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")],
    ["as keycaps", (cpf) => [...cpf].map((digit) => `${digit}\ufe0f\u20e3`).join("")],
  ])("finds it %s", (_name, write) => {
    for (const cpf of KNOWN) expect(looksLikeCpf(write(cpf)), write(cpf)).toBe(true);
  });

  test.each([
    ["an order's number", "1795414089287"],
    ["one with a CPF at its start", "529982247250"],
    ["one with a CPF at its end", "052998224725"],
    ["one with a CPF at its start, in full width", "５２９９８２２４７２５０"],
    ["one of mixed scripts", "52998224725٠"],
    ["an NF-e's key with a CPF in it", "35261100052998224725550010000012341000012345"],
    ["an NF-e's key in groups", "3526 1112 3456 7800 0195 5500 1000 0012 3410 0001 2345"],
    ["a CNPJ", "12.345.678/0001-95"],
    ["wrong check digits", "529.982.247-26"],
    ["a digit repeated", "111.111.111-11"],
    ["ten digits", "5299822472"],
    ["digits with letters between them", "529a982b247c25"],
    ["a time", "2026-11-23T15:59:01Z"],
    ["a time in digits", "2026112315590123456"],
    ["a short number", "order-1234"],
    ["nothing", ""],
  ])("lets pass %s", (_name, text) => {
    expect(looksLikeCpf(text)).toBe(false);
  });

  test("lets pass numbers that are longer or shorter", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^([0-9]{0,10}|[0-9]{12,44})$/), zero, word, (number, zeroCode, prefix) => {
        expect(looksLikeCpf(`${prefix}${inScript(number, zeroCode)}`)).toBe(false);
        expect(looksLikeCpf(`pedido-${number}`)).toBe(false);
      }),
    );
  });

  test("nearly never takes a UUID for one", () => {
    const uuids = fc.sample(fc.uuid(), { numRuns: 5000, seed: 1 });
    expect(uuids.filter(looksLikeCpf).length).toBeLessThan(20);
  });
});

describe("holdsCpf", () => {
  test("finds the digits whatever is between them and around them", () => {
    const noise = fc.string({ unit: "grapheme", maxLength: 3 }).map((text) => text.normalize("NFKC"));
    const letters = noise.map((text) => text.replaceAll(/\p{N}/gu, ""));
    fc.assert(
      fc.property(
        cpfs,
        noise,
        noise,
        fc.array(fc.tuple(letters, zero), { minLength: 11, maxLength: 11 }),
        (cpf, left, right, places) => {
          const spread = [...cpf].map((digit, index) => {
            const [before, zeroCode] = places[index] ?? ["", 0x30];
            return `${index === 0 ? "" : before}${inScript(digit, zeroCode)}`;
          });
          expect(holdsCpf(`${left}${spread.join("")}${right}`, cpf)).toBe(true);
        },
      ),
    );
  });

  test.each([
    ["within a longer number", "3526110005299822472555001", true],
    ["with letters between them", "529a982b247c25", true],
    ["backwards", "52742289925", false],
    ["with one missing", "5299822472", false],
    ["another's", "111.444.777-35", false],
    ["nothing", "", false],
  ])("%s", (_name, text, expected) => {
    expect(holdsCpf(text, "52998224725" as Cpf)).toBe(expected);
  });
});
