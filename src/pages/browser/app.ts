// oxlint-disable-next-line import/no-unassigned-import -- htmx looks for its attributes by itself
import "htmx.org";
import { sendWithProgress } from "./upload.ts";
import { checkStatement } from "./verify_statement.ts";

/** What pages do with a script. Everything here is a shortcut: a link or a form does the same without one. */
const root = document.documentElement;
root.dataset["script"] = "";

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && openSearch()) event.preventDefault();
  const menu = event.key === "Escape" ? document.querySelector<HTMLDetailsElement>("details.menu[open]") : null;
  if (menu === null) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
});

// Arrow keys move between the search's field and its results.
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
  // A click beside an open menu closes it.
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (target === null || !menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("change", (event) => {
  const field = event.target instanceof HTMLSelectElement ? event.target : null;
  if (field?.dataset["submit"] !== undefined) field.form?.requestSubmit();
});

// A form is sent once, however often its button is pressed.
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

// The buttons of a page that the browser kept work again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[disabled]")) button.disabled = false;
});

// On a phone the links stand in a row that scrolls: it begins at the current page's.
document.querySelector(".pages [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Says once what was done: a reload or a shared link does not repeat it.
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
  const place = document.querySelector(button.dataset["copy"] ?? "");
  if (place === null) return;
  try {
    await navigator.clipboard.writeText(place.textContent.trim());
  } catch {
    // A browser that does not let a page copy lets a person: the text is marked for them.
    getSelection()?.selectAllChildren(place);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset["copied"] ?? before;
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
}
