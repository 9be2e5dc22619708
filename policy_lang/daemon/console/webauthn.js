// A key proves an answer: what the form says is signed before it is sent. The only script of the console.
"use strict";
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (data) => btoa(String.fromCharCode(...new Uint8Array(data))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function made(challenge, form) {
  const key = await navigator.credentials.create({ publicKey: {
    challenge, rp: { id: location.hostname, name: "policy_lang" }, attestation: "none",
    user: { id: new TextEncoder().encode(form.dataset.person), name: form.dataset.person, displayName: form.dataset.person },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }, { type: "public-key", alg: -257 }],
    authenticatorSelection: { userVerification: form.dataset.verification },
  } });
  return { rawId: text(key.rawId), type: key.type, response: {
    clientDataJSON: text(key.response.clientDataJSON), attestationObject: text(key.response.attestationObject) } };
}

async function proved(challenge, form) {
  const key = await navigator.credentials.get({ publicKey: {
    challenge, rpId: location.hostname, userVerification: form.dataset.verification,
    allowCredentials: form.dataset.keys.split(",").map((id) => ({ type: "public-key", id: bytes(id) })),
  } });
  return { rawId: text(key.rawId), type: key.type, response: { clientDataJSON: text(key.response.clientDataJSON),
    authenticatorData: text(key.response.authenticatorData), signature: text(key.response.signature) } };
}

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  if (!form.dataset.webauthn || form.elements.proof.value) return;
  event.preventDefault();
  try {
    const ceremony = form.dataset.webauthn === "create" ? made : proved;
    form.elements.proof.value = JSON.stringify(await ceremony(bytes(button.dataset.challenge), form));
    form.requestSubmit(button);
  } catch (error) {
    document.getElementById("proof-said").textContent = `Your key did not prove it: ${error.message}`;
  }
});
