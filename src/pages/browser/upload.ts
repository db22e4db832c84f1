/** Sends a form with a file and shows its progress, then the page that answers it. */
export function sendWithProgress(form: HTMLFormElement): void {
  const body = new FormData(form);
  const bar = form.querySelector("progress");
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  if (bar === null || status === null || button === null) return;
  const { comparing = "", failed = "" } = form.dataset;
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.max = total;
    bar.value = loaded;
    status.textContent = `${Math.floor((loaded / Math.max(total, 1)) * 100)} %`;
  });
  request.upload.addEventListener("load", () => {
    // Nobody knows how long the comparison takes, so the bar shows no share.
    bar.removeAttribute("value");
    status.textContent = comparing;
  });
  request.addEventListener("load", () => show(request));
  request.addEventListener("error", () => {
    bar.hidden = true;
    button.disabled = false;
    status.textContent = failed;
  });
  bar.hidden = false;
  button.disabled = true;
  request.open("POST", form.action);
  request.send(body);
}

function show({ status, responseURL, responseText }: XMLHttpRequest): void {
  if (status === 200) return location.assign(responseURL);
  const answered = new DOMParser().parseFromString(responseText, "text/html").querySelector("main");
  const main = document.querySelector("main");
  if (answered === null || main === null) return location.reload();
  main.replaceWith(answered);
  answered.focus();
}
