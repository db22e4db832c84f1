// oxlint-disable-next-line import/no-unassigned-import -- htmx looks for its attributes by itself
import "htmx.org";
import { sendWithProgress } from "./upload.ts";
import { checkStatement } from "./verify_statement.ts";

/**
 * What a page does in the browser beyond what it can without a script: everything here is a shortcut to something that a
 * link or a form does as well.
 */
const root = document.documentElement;
root.dataset["script"] = "";

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && openSearch()) event.preventDefault();
});

// In the search the arrows go from what is typed to what is found, and back.
document.querySelector("dialog#search")?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[(event as KeyboardEvent).key];
  if (step === undefined) return;
  const places = [...document.querySelectorAll<HTMLElement>("dialog#search :is(input[type=search], .hits a)")];
  const next = places[places.indexOf(document.activeElement as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
});

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("[data-search]") != null && openSearch()) event.preventDefault();
  const copy = target?.closest<HTMLElement>("[data-copy]");
  if (copy != null) void copyText(copy);
  const check = target?.closest<HTMLButtonElement>("[data-verify] button");
  if (check != null) void checkStatement(check);
  // An open menu closes with a click beside it.
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (target === null || !menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("change", (event) => {
  const field = event.target instanceof HTMLSelectElement ? event.target : null;
  if (field?.dataset["submit"] !== undefined) field.form?.requestSubmit();
});

// A form goes once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target instanceof HTMLFormElement ? event.target : null;
  if (form?.dataset["upload"] !== undefined) {
    event.preventDefault();
    return sendWithProgress(form);
  }
  if (form?.method !== "post" || form.dataset["again"] !== undefined) return;
  setTimeout(() => {
    for (const button of form.querySelectorAll<HTMLButtonElement>("button")) button.disabled = true;
  });
});

// Coming back to a page that the browser kept: its buttons work again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[disabled]")) button.disabled = false;
});

// Where the pages stand in a row that scrolls, the one that is shown is in sight.
document.querySelector(".pages [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// What was done is said once: a reload or a link that is sent does not say it again.
const address = new URL(location.href);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  history.replaceState(null, "", address);
}

function openSearch(): boolean {
  const dialog = document.querySelector<HTMLDialogElement>("dialog#search");
  if (dialog === null) return false;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input")?.select();
  return true;
}

async function copyText(button: HTMLElement): Promise<void> {
  const text = document.querySelector(button.dataset["copy"] ?? "")?.textContent?.trim() ?? "";
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = button.dataset["copied"] ?? before;
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
}
