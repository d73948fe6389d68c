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

// Counts down what the server wrote as it was then.
function left(until) {
  const seconds = Math.floor((until - Date.now()) / 1000);
  if (seconds <= 0) return "now";
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
setInterval(() => {
  for (const time of document.querySelectorAll("time[data-until]")) {
    time.textContent = left(Date.parse(time.dateTime));
  }
}, 1000);

// What is ticked stays ticked when news replace the table.
let ticked = [];
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const boxes = event.detail.target.querySelectorAll("input[type=checkbox]:checked");
  ticked = [...boxes].map((box) => box.value);
});
document.body.addEventListener("htmx:afterSettle", () => {
  for (const box of document.querySelectorAll("input[type=checkbox]")) {
    if (ticked.includes(box.value)) box.checked = true;
  }
  ticked = [];
});
