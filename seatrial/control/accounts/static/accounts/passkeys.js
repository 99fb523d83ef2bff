// Binds allauth's functions for passkeys to the form of the page, and says what went wrong.
"use strict";
{
  const does = document.currentScript.dataset.does;
  const ids = {
    loginForm: { login: "passkey_login", credential: "mfa_credential" },
    addForm: { add: "passkey_add", credential: "id_credential", passwordless: "passwordless", data: "js_data" },
    authenticateForm: { authenticate: "passkey_use", credential: "id_credential", data: "js_data" },
  }[does];
  const WORDS = {
    NotAllowedError: "The browser was given no passkey: it was cancelled, took too long, or has none for this server.",
    InvalidStateError: "This device has a passkey of your account already.",
    SecurityError: "Passkeys need HTTPS (or localhost), and the address that this server has in its settings.",
  };
  const problem = document.querySelector("[data-passkey-problem]");
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const error = event.detail.exception;
    problem.textContent = WORDS[error.name] ?? `That did not work: ${error.message}`;
    problem.hidden = false;
  });
  if (window.PublicKeyCredential) {
    for (const part of document.querySelectorAll("[data-passkeys]")) part.hidden = false;
    window.allauth.webauthn.forms[does]({ ids });
  } else {
    problem.textContent = "This browser has no passkeys here: they need HTTPS, or localhost.";
    problem.closest("[data-passkeys]")?.toggleAttribute("hidden", does === "loginForm");
    problem.hidden = does === "loginForm";
  }
}
