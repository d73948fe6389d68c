// The settings form: find as you type, and show what is wrong first. Works without it.

const finder = document.querySelector("[data-finds]");

function find() {
  const words = finder.value.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
  let found = 0;
  for (const row of document.querySelectorAll(finder.dataset.finds)) {
    row.hidden = !words.every((word) => row.dataset.search.includes(word));
    if (!row.hidden) found += 1;
  }
  for (const folded of document.querySelectorAll(".folded")) {
    folded.hidden = !folded.querySelector(".setting:not([hidden])");
    if (words.length) folded.open = !folded.hidden;
  }
  for (const group of document.querySelectorAll("[data-group]")) {
    group.hidden = !group.querySelector(".setting:not([hidden])");
  }
  document.querySelector("[data-found]").textContent = words.length ? `${found} found` : "";
}

if (finder) {
  finder.addEventListener("input", find);
  finder.form.addEventListener("submit", (event) => event.preventDefault());
  finder.form.querySelector("button").hidden = true;
}

// A value typed is meant: its source follows, unless the signal decides with it as fallback.
document.addEventListener("input", (event) => {
  const value = event.target.closest(".setting-control");
  const source = value?.parentElement.querySelector("select[name$='.source']");
  if (source?.value === "strategy" && event.target.value) source.value = "own";
});

document.querySelector("[data-problem]")?.focus();
