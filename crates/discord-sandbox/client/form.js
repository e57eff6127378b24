// The dialog of a form that the bot opens.

import { el } from "./dom.js";
import { act, bot } from "./store.js";

const PARAGRAPH = 2;
const NO_ANSWER = "Something went wrong. Try again.";

function inputOf(one) {
  const isLong = one.style === PARAGRAPH;
  const isRequired = one.required !== false;
  const id = `input-${one.custom_id}`;
  const field = el(isLong ? "textarea" : "input", {
    id, placeholder: one.placeholder, maxlength: one.max_length ?? 4000, "aria-required": String(isRequired),
    "aria-describedby": `${id}-error`, rows: isLong ? 4 : null,
  });
  field.value = one.value ?? "";
  const error = el("span", { class: "failed", id: `${id}-error`, role: "alert" });
  const count = el("small", { class: "count", "aria-hidden": "true" });
  const showCount = () => (count.textContent = one.max_length ? `${[...field.value].length}/${one.max_length}` : "");
  field.addEventListener("input", showCount);
  showCount();
  const label = el("label", { for: id }, one.label, isRequired && el("span", { class: "failed" }, " *"));
  return { custom_id: one.custom_id, field, error, node: el("div", { class: "input" }, label, error, field, isLong && count) };
}

export function openForm({ form, interaction }) {
  const inputs = form.components.flatMap((row) => row.components ?? []).map(inputOf);
  const failure = el("p", { class: "failed", role: "alert" });
  const submit = el("button", { type: "submit", class: "button primary" }, "Submit");
  const cancel = el("button", { type: "button", class: "button plain" }, "Cancel");
  const dialog = el("dialog", { class: "form", "aria-label": form.title },
    el("form", { novalidate: true },
      el("header", {}, el("h2", {}, form.title), el("button", { type: "button", class: "icon close", "aria-label": "Close" }, "✕")),
      el("p", { class: "warning" }, `This form will be submitted to ${bot().name}. Do not share passwords or other sensitive information.`),
      inputs.map((input) => input.node), failure,
      el("footer", {}, cancel, submit)));
  const close = () => dialog.close();
  for (const button of [cancel, dialog.querySelector(".close")]) button.addEventListener("click", close);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    send({ interaction, inputs, failure, submit, close });
  });
  document.body.append(dialog);
  dialog.showModal();
  inputs[0]?.field.focus();
}

async function send({ interaction, inputs, failure, submit, close }) {
  submit.disabled = true;
  failure.textContent = "";
  const values = Object.fromEntries(inputs.map((input) => [input.custom_id, input.field.value]));
  try {
    await act("form", { interaction, values });
    close();
  } catch (error) {
    for (const input of inputs) input.error.textContent = error.fields?.[input.custom_id] ?? "";
    inputs.find((input) => input.error.textContent)?.field.focus();
    if (!error.fields) failure.textContent = error.status === 504 ? NO_ANSWER : error.message;
  } finally {
    submit.disabled = false;
  }
}
