// Asks a person once more before something is spent or changed.

import { byId } from "./dom.js";

/** Whether the person presses the button of that name; a sentence below the question says what it does. */
export function sure(question, sentence, button) {
  const dialog = byId("sure");
  byId("sure-question").textContent = question;
  byId("sure-sentence").textContent = sentence;
  byId("sure-yes").textContent = button;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === "yes")));
}
