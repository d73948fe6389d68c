// Seals what is typed of a broker's keys before it leaves the browser: HPKE (RFC 9180) to
// execution's public key. Without this script the site seals it when it arrives.

const text = new TextEncoder();
const KEM = join(text.encode("KEM"), [0, 32]);
const SUITE = join(text.encode("HPKE"), [0, 32, 0, 1, 0, 2]);
const NONE = new Uint8Array();

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

const read = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const write = (bytes) => btoa(String.fromCharCode(...bytes));

async function hmac(key, ...parts) {
  // An empty key is one of zeros, which browsers take.
  const raw = key.length ? key : new Uint8Array(32);
  const made = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, join(...parts)));
}

const extract = (suite, salt, label, secret) =>
  hmac(salt, text.encode("HPKE-v1"), suite, text.encode(label), secret);

async function expand(suite, secret, label, info, length) {
  const named = [text.encode("HPKE-v1"), suite, text.encode(label), info];
  return (await hmac(secret, [0, length], ...named, [1])).slice(0, length);
}

async function seal(publicKey, info, plain) {
  const own = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const theirs = await crypto.subtle.importKey("raw", publicKey, "X25519", true, []);
  const agreed = { name: "X25519", public: theirs };
  const dh = new Uint8Array(await crypto.subtle.deriveBits(agreed, own.privateKey, 256));
  const prk = await extract(KEM, NONE, "eae_prk", dh);
  const shared = await expand(KEM, prk, "shared_secret", join(enc, publicKey), 32);
  const context = join(
    [0],
    await extract(SUITE, NONE, "psk_id_hash", NONE),
    await extract(SUITE, NONE, "info_hash", info),
  );
  const secret = await extract(SUITE, shared, "secret", NONE);
  const iv = await expand(SUITE, secret, "base_nonce", context, 12);
  const raw = await expand(SUITE, secret, "key", context, 32);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  return join(enc, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain)));
}

function hidden(form, name, value) {
  const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
  form.append(field);
}

async function send(form, submitter) {
  const given = JSON.parse(form.dataset.seal);
  const environment = form.elements.environment?.value ?? Object.keys(given.infos)[0];
  const typed = [...form.elements].filter((field) => field.name?.startsWith("typed."));
  const fields = {};
  for (const field of typed) {
    fields[field.name.slice("typed.".length)] = write(text.encode(field.value.trim()));
  }
  const plain = text.encode(JSON.stringify({ at: new Date().toISOString(), fields }));
  const box = await seal(read(given.public_key), read(given.infos[environment]), plain);
  const safe = write(box).replaceAll("+", "-").replaceAll("/", "_");
  hidden(form, "sealed", [given.key_id, given.connection, environment, safe].join("."));
  if (submitter?.name) hidden(form, submitter.name, submitter.value);
  for (const field of typed) { field.value = ""; field.disabled = true; }
  form.submit();
}

async function offer(form) {
  // Browsers without X25519, and pages without HTTPS, leave it to the site.
  await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    send(form, event.submitter);
  });
  form.dataset.sealing = "";
}

if (window.crypto?.subtle) {
  for (const form of document.querySelectorAll("form[data-seal]")) offer(form).catch(() => {});
}
