// Small comforts. Pages work without any of them.

const SHOWN_MS = 1600;

function offerCopy(button) {
  if (!navigator.clipboard) return;
  const label = button.querySelector("span");
  const said = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = said; }, SHOWN_MS);
  });
}

for (const button of document.querySelectorAll("[data-copy]")) offerCopy(button);

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
