import { html } from "hono/html";
import type { Issue } from "../domain/issue.ts";
import type { Language } from "../http/language.ts";
import { inline } from "../http/pages/layout.ts";
import { issueText } from "../http/texts/issue_texts.ts";
import { attribute, type Content, type Html } from "./html.ts";

/** What a form was sent with and what is wrong with it, so that nobody types anything twice. */
export type Filled = {
  readonly values: Readonly<Record<string, string>>;
  readonly issues: readonly Issue[];
};

export const UNFILLED: Filled = { values: {}, issues: [] };

/** A form that is shown again for what is wrong with it says so to programs as well. */
export function statusOf(...forms: readonly Filled[]): { readonly status?: 422 } {
  return forms.every(({ issues }) => issues.length === 0) ? {} : { status: 422 };
}

type FieldOptions = {
  readonly label: string;
  readonly hint?: Content;
  readonly type?: "text" | "password" | "email" | "number" | "date" | "month" | "search" | "datetime-local";
  readonly value?: string;
  readonly isRequired?: boolean;
  readonly autocomplete?: string;
  readonly inputmode?: "numeric" | "decimal" | "text";
  readonly placeholder?: string;
  /** Further names under which an issue of this field may come. */
  readonly paths?: readonly string[];
};

/** Makes a form's fields, each with its label, its hint and what is wrong with it. */
export class Fields {
  readonly #filled: Filled;
  readonly #language: Language;

  constructor(filled: Filled, language: Language) {
    this.#filled = filled;
    this.#language = language;
  }

  input(name: string, options: FieldOptions): Html {
    const { type = "text", value = "", isRequired = false, autocomplete = "off", inputmode, placeholder } = options;
    const shown = type === "password" ? "" : (this.#filled.values[name] ?? value);
    return this.#field(
      name,
      options,
      (described, isWrong) =>
        html`<input
          id="f-${name}"
          name="${name}"
          type="${type}"
          value="${shown}"
          autocomplete="${autocomplete}"
          ${inputmode === undefined ? "" : html`inputmode="${inputmode}"`}
          ${placeholder === undefined ? "" : html`placeholder="${placeholder}"`}
          ${described}
          ${attribute("required", isRequired)}
          ${attribute('aria-invalid="true"', isWrong)}
        />`,
    );
  }

  area(name: string, options: FieldOptions & { readonly rows?: number }): Html {
    const shown = this.#filled.values[name] ?? options.value ?? "";
    return this.#field(
      name,
      options,
      (described, isWrong) =>
        html`<textarea
          id="f-${name}"
          name="${name}"
          rows="${options.rows ?? 4}"
          ${described}
          ${attribute("required", options.isRequired === true)}
          ${attribute('aria-invalid="true"', isWrong)}
        >
${shown}</textarea>`,
    );
  }

  select(
    name: string,
    options: FieldOptions & {
      readonly choices: readonly (readonly [value: string, text: string])[];
      submits?: boolean;
    },
  ): Html {
    const shown = this.#filled.values[name] ?? options.value ?? "";
    return this.#field(
      name,
      options,
      (described, isWrong) =>
        html`<select
          id="f-${name}"
          name="${name}"
          ${described}
          ${attribute("data-submit", options.submits === true)}
          ${attribute('aria-invalid="true"', isWrong)}
        >
          ${options.choices.map(
            ([value, text]) =>
              html`<option value="${value}" ${attribute("selected", value === shown)}>${text}</option>`,
          )}
        </select>`,
    );
  }

  /** Any number of choices; each is sent under its own name, `name.value`. */
  checks(
    name: string,
    options: {
      readonly label: string;
      readonly hint?: Content;
      readonly choices: readonly (readonly [value: string, text: string])[];
      readonly checked?: readonly string[];
    },
  ): Html {
    const wasSent = Object.keys(this.#filled.values).length > 0;
    const isChecked = (value: string) =>
      wasSent ? this.#filled.values[`${name}.${value}`] !== undefined : options.checked?.includes(value) === true;
    return html`<fieldset class="field">
      <legend>${options.label}</legend>
      ${options.choices.map(
        ([value, text]) =>
          html`<label class="check"
            ><input type="checkbox" name="${name}.${value}" value="yes" ${attribute("checked", isChecked(value))} />
            <span>${text}</span></label
          >`,
      )}
      ${options.hint === undefined ? "" : html`<span class="hint">${shownHint(options.hint)}</span>`}
      ${this.#faults([name])}
    </fieldset>`;
  }

  /** What is wrong with the form as a whole, or with a part that no field shows. */
  rest(names: readonly string[]): Html {
    const others = this.#filled.issues.filter(({ path }) => !names.some((name) => isOf(path, name)));
    return html`${others.map((one) => html`<p class="fault">${one.path === "" ? "" : html`<code>${one.path}</code>: `}${issueText(one, this.#language)}</p>`)}`;
  }

  #field(name: string, options: FieldOptions, control: (described: Html | string, isWrong: boolean) => Html): Html {
    const { label, hint, paths = [] } = options;
    const isWrong = this.#issuesOf([name, ...paths]).length > 0;
    const ids = [hint === undefined ? "" : `h-${name}`, isWrong ? `w-${name}` : ""].filter((id) => id !== "");
    const described = ids.length === 0 ? "" : html`aria-describedby="${ids.join(" ")}"`;
    return html`<div class="field">
      <label for="f-${name}">${label}</label>
      ${control(described, isWrong)}
      ${hint === undefined ? "" : html`<span class="hint" id="h-${name}">${shownHint(hint)}</span>`}
      ${this.#faults([name, ...paths], `w-${name}`)}
    </div>`;
  }

  #issuesOf(names: readonly string[]): Issue[] {
    return this.#filled.issues.filter(({ path }) => names.some((name) => isOf(path, name)));
  }

  #faults(names: readonly string[], id?: string): Html | string {
    const found = this.#issuesOf(names);
    if (found.length === 0) return "";
    const texts = [...new Set(found.map((one) => issueText(one, this.#language)))];
    return html`<span class="fault" ${id === undefined ? "" : html`id="${id}"`}>${texts.join("; ")}</span>`;
  }
}

/** Shows what is between backquotes as code. */
function shownHint(hint: Content): Content {
  return typeof hint === "string" ? inline(hint) : hint;
}

/** `plan.tiers[0].upTo` is of the field `plan.tiers`. */
function isOf(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`);
}
