// Passkeys, and the time zone of whoever signs up. Pages work without either.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("[data-timezone]")) {
  if (zone && field.value === "UTC") field.value = zone;
}

// Fills the form's hidden fields from the visible form that it stands beside.
function borrow(form) {
  const source = document.getElementById(form.dataset.fields ?? "");
  if (!source) return true;
  for (const field of form.querySelectorAll("input[type=hidden]")) {
    const from = source.elements[field.name];
    if (from && field.name !== "csrf_token") {
      if (!from.reportValidity()) return false;
      field.value = from.value;
    }
  }
  return true;
}

async function options(form) {
  const asked = new FormData(form);
  if ("known" in form.dataset) asked.set("known", "1");
  const answer = await fetch(form.dataset.passkey, { method: "POST", body: asked });
  if (!answer.ok) throw new Error((await answer.text()).slice(0, 200));
  return answer.json();
}

async function credential(form) {
  const given = await options(form);
  if (given.user) {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(given);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(given);
  return navigator.credentials.get({ publicKey });
}

function offer(form) {
  const problem = form.querySelector("[role=alert]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    problem.hidden = true;
    if (!borrow(form)) return;
    try {
      const made = await credential(form);
      form.elements[form.dataset.credential].value = JSON.stringify(made.toJSON());
      form.submit();
    } catch (error) {
      problem.textContent = error.name === "NotAllowedError"
        ? "The passkey was not used. Try again, or go on without it." : error.message;
      problem.hidden = false;
    }
  });
}

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  for (const form of document.querySelectorAll("form[data-passkey]")) offer(form);
}
