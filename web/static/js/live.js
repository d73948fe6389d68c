// Live pages: hear what changed, then let the page fetch it. Events carry ids only.
//
// Stream first; after two failures ask every five seconds, and try the stream again every
// half minute. The number of the last change seen makes sure that nothing is missed.

const POLL_MS = 5000;
const RETRY_STREAM_MS = 30000;
const FAILURES_BEFORE_POLLING = 2;
const GATHER_MS = 120;
const KINDS = ["signal", "trade", "position", "approval"];

const dot = document.getElementById("live");
let number = Number(document.body.dataset.number);
let failures = 0;
let source = null;
let polling = null;
let waiting = new Set();
let gathering = null;

function show(state, text) {
  dot.dataset.state = state;
  dot.querySelector(".live-text").textContent = text;
}

function clock() {
  return new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

// What a person reads does not move: further down the page, news wait behind a button.
function announce(kind) {
  waiting.add(kind);
  clearTimeout(gathering);
  gathering = setTimeout(() => {
    const kinds = [...waiting];
    waiting = new Set();
    for (const kind of kinds) document.body.dispatchEvent(new CustomEvent(`fillwire:${kind}`));
  }, GATHER_MS);
}

function isBelow(part) {
  return part.hasAttribute("data-grows") && part.getBoundingClientRect().top < 0;
}

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (!isBelow(part) || event.detail.requestConfig.triggeringEvent?.detail?.wanted) return;
  event.detail.shouldSwap = false;
  offerNews(part, event.detail.xhr.responseText);
});

function rowIds(root) {
  return [...root.querySelectorAll("a.row-link")].map((link) => link.getAttribute("href"));
}

function offerNews(part, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(part.id);
  if (!fresh) return;
  const known = new Set(rowIds(part));
  const count = rowIds(fresh).filter((id) => !known.has(id)).length;
  let bar = part.previousElementSibling;
  if (!bar?.classList.contains("news")) {
    bar = document.createElement("div");
    bar.className = "news";
    bar.setAttribute("role", "status");
    bar.append(document.createElement("button"));
    bar.firstChild.className = "button";
    bar.firstChild.type = "button";
    part.before(bar);
  }
  bar.firstChild.textContent = count ? `${count} new` : "Changed";
  bar.firstChild.onclick = () => {
    bar.remove();
    part.replaceWith(fresh);
    globalThis.htmx?.process(fresh);
    fresh.scrollIntoView({ block: "start" });
  };
}

async function ask(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, redirect: "error" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function listen() {
  let pass;
  try {
    pass = await ask("/live/ticket");
  } catch {
    return failed();
  }
  const url = new URL(pass.url);
  url.searchParams.set("ticket", pass.ticket);
  url.searchParams.set("after", number);
  source = new EventSource(url);
  source.onopen = () => {
    failures = 0;
    stopPolling();
    show("live", "Live");
  };
  source.onerror = failed;
  for (const kind of KINDS) {
    source.addEventListener(`${kind}.updated`, (event) => {
      if (event.lastEventId) number = Number(event.lastEventId);
      announce(kind);
    });
  }
}

// A ticket opens one stream, so reconnecting is ours to do, not the browser's.
function failed() {
  source?.close();
  source = null;
  failures += 1;
  if (failures < FAILURES_BEFORE_POLLING) {
    setTimeout(listen, 500);
    return;
  }
  startPolling();
  setTimeout(listen, RETRY_STREAM_MS);
}

function startPolling() {
  if (polling) return;
  poll();
  polling = setInterval(poll, POLL_MS);
}

function stopPolling() {
  clearInterval(polling);
  polling = null;
}

async function poll() {
  try {
    const found = await ask(`/live/changes?after=${number}`);
    number = found.number;
    for (const event of found.events) announce(event.type.split(".")[0]);
    if (!source) show("polling", "Polling");
  } catch {
    if (dot.dataset.state !== "offline") show("offline", `Offline since ${clock()}`);
  }
}

addEventListener("pagehide", () => source?.close());

if (document.querySelector("#main [hx-trigger*='fillwire:']") && globalThis.EventSource && globalThis.htmx) {
  show("off", "Connecting");
  listen();
} else {
  dot.hidden = true;
}
