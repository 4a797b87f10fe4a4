// The page Try: one picture or text, asked of the managed service and of the own network.

import { SIDES, answerCard, callOf, emptyCard, refusedCard, verdictOn, waitingCard } from "./answers.js";
import { Refused } from "./api.js";
import { byId, element } from "./dom.js";
import { count, percent } from "./figures.js";
import { drawBoxes, labelsOf, prepared, toneOf } from "./picture.js";
import { counted } from "./spending.js";

const PATHS = {
  image: { managed: "images/labels", own: "images/class" },
  text: { managed: "texts/sentiment", own: "texts/class" },
};
// What is marked in a text: how each thing is spoken of, and where that is not to be had, which things are named.
const MARKS = { "Targeted sentiment": "texts/targeted-sentiment", Entities: "texts/entities" };
// Comprehend's limit for sentiment, in bytes of UTF-8.
const SENTIMENT_BYTES = 5_000;
const SAMPLES = {
  "a kind review": "A moving, quietly funny film. Frances McDormand has rarely been better, and Boston in winter has rarely looked so warm.",
  "an angry one": "Two hours that I will never get back. The plot is dull, the jokes are older than Hollywood, and even Nicolas Cage looks bored.",
  "a fair one": "Some good ideas and a fine cast, but at nearly three hours it loses its way somewhere between Paris and Berlin.",
};
// How a sentiment is marked; other labels of the own network have no tone.
const TONES_OF = { positive: "good", negative: "bad", mixed: "warn" };
const TINY_PIXELS = 160;
const HIGHEST_PIXELS = 520;

let ask;
let option = "";
let kinds = {};
let chosen = null;
let running = null;

/**
 * Makes the page work; `asker` asks the API, `words` are what commands about it want besides, `networks` its kinds,
 * `endpoints` those of them that have no instance while nobody asks.
 */
export function start(asker, words, networks, endpoints) {
  ask = async (...request) => {
    const reply = await asker(...request);
    byId("spent").textContent = counted(reply.answer);
    return reply;
  };
  option = words;
  kinds = networks;
  byId("file").addEventListener("change", (event) => take(event.target.files[0]));
  byId("text").addEventListener("input", showState);
  byId("ask").addEventListener("submit", submitted);
  for (const radio of document.querySelectorAll("input[name=kind]")) radio.addEventListener("change", switched);
  listenForFiles();
  offerCamera();
  offerSamples();
  offerEndpoints(endpoints);
  switched();
}

const kind = () => document.querySelector("input[name=kind]:checked").value;

const isShown = () => !byId("try").hidden;

function switched() {
  stop();
  byId("image-input").hidden = kind() !== "image";
  byId("text-input").hidden = kind() !== "text";
  clearAnswers();
  showState();
}

function clearAnswers() {
  byId("verdict").replaceChildren();
  byId("said").textContent = "";
  byId("marked").replaceChildren();
  byId("picture").querySelector(".boxes").replaceChildren();
  byId("answers").replaceChildren(
    emptyCard("managed", kind() === "image" ? "Amazon Rekognition's labels will stand here." : "Amazon Comprehend's sentiment will stand here."),
    emptyCard("own", "The classes of the network trained here."),
  );
}

function showState() {
  const text = byId("text").value;
  const bytes = new TextEncoder().encode(text).length;
  const beyond = bytes > SENTIMENT_BYTES ? " That is more than Comprehend takes for sentiment." : "";
  byId("text-note").textContent = `${count(bytes)} of ${count(SENTIMENT_BYTES)} bytes.${beyond}`;
  const go = byId("go");
  go.textContent = running ? "Stop" : "Ask both";
  go.disabled = !running && (kind() === "image" ? !chosen : !text.trim());
}

function listenForFiles() {
  const drop = byId("drop");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (!file || !isShown()) return;
    event.preventDefault();
    document.querySelector("input[name=kind][value=image]").checked = true;
    switched();
    take(file);
  });
}

function offerCamera() {
  const dialog = byId("viewfinder");
  const video = dialog.querySelector("video");
  byId("camera").hidden = !navigator.mediaDevices?.getUserMedia;
  byId("camera").addEventListener("click", async () => {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      dialog.returnValue = "";
      dialog.showModal();
    } catch {
      byId("image-note").textContent = "The camera cannot be used: there is none, or this page may not use it.";
    }
  });
  dialog.addEventListener("close", async () => {
    const picture = dialog.returnValue === "take" ? await frameOf(video) : null;
    for (const track of video.srcObject.getTracks()) track.stop();
    video.srcObject = null;
    if (picture) take(picture);
  });
}

async function frameOf(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

function offerSamples() {
  const buttons = Object.entries(SAMPLES).map(([name, text]) => {
    const take = () => {
      byId("text").value = text;
      showState();
    };
    return element("button", { type: "button", class: "chip", click: take }, name);
  });
  byId("samples").append(...buttons);
}

function offerEndpoints(endpoints) {
  for (const one of [...byId("endpoint").options]) {
    if (one.value && !endpoints.includes(one.value)) one.remove();
  }
  byId("endpoints").hidden = endpoints.length === 0;
}

async function take(file) {
  if (!file) return;
  stop();
  clearAnswers();
  const note = byId("image-note");
  try {
    const ready = await prepared(file);
    note.textContent = ready.note;
    showPicture(ready);
    chosen = ready.blob;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    chosen = null;
    byId("picture").hidden = true;
    byId("drop").classList.remove("filled");
    note.textContent = error.message;
  }
  byId("file").value = "";
  showState();
}

function showPicture({ blob, width, height }) {
  const figure = byId("picture");
  const image = figure.querySelector("img");
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
  image.width = width;
  image.height = height;
  // The boxes lie over exactly the picture's own area, so its frame has its shape.
  figure.querySelector(".stage").style.width = `min(100%, ${Math.round((HIGHEST_PIXELS * width) / height)}px)`;
  figure.classList.toggle("tiny", Math.max(width, height) < TINY_PIXELS);
  figure.hidden = false;
  byId("drop").classList.add("filled");
}

function stop() {
  running?.abort();
  running = null;
  showState();
}

async function submitted(event) {
  event.preventDefault();
  if (running) {
    stop();
    clearAnswers();
    return;
  }
  const [body, contentType] =
    kind() === "image" ? [chosen, chosen.type] : [byId("text").value, "text/plain; charset=utf-8"];
  const own = new AbortController();
  running = own;
  showState();
  clearAnswers();
  try {
    await askBoth(body, contentType, PATHS[kind()], own.signal);
  } finally {
    if (running === own) stop();
  }
}

async function askBoth(body, contentType, paths, signal) {
  byId("answers").replaceChildren();
  // Whether it failed is looked at last, when both have answered.
  const marking = kind() === "text" ? marksOf(body, contentType, signal) : null;
  marking?.catch(() => {});
  const [managed, own] = await Promise.all(
    ["managed", "own"].map((side) => answerOf(side, () => ask(paths[side], body, contentType, signal, side === "own" ? byId("endpoint").value : ""), signal)),
  );
  if (signal.aborted) return;
  const verdict = verdictOn(managed, own);
  if (verdict) {
    byId("verdict").replaceChildren(verdict);
    byId("said").textContent = Array.from(verdict.childNodes, (one) => one.textContent).join(". ");
  }
  try {
    if (marking) showMarks(body, await marking, { managed, own });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Asks one side and shows its card; undefined when there was no answer. */
async function answerOf(side, asking, signal) {
  const waiting = waitingCard(side);
  byId("answers").append(waiting.card);
  try {
    const reply = await asking();
    waiting.card.replaceWith(answerCard(side, reply, highlight));
    say(side, reply.answer.results[0]?.label ?? "nothing");
    if (kind() === "image" && side === "managed") {
      drawBoxes(byId("picture").querySelector(".boxes"), reply.answer.results);
    }
    return reply;
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(error instanceof Refused)) throw error;
    const commands = ["train", "release"].map((verb) => `recognition ${verb} ${kinds[kind()]}${option}`);
    waiting.card.replaceWith(refusedCard(side, error, commands));
    say(side, error.message);
    return undefined;
  } finally {
    waiting.stop();
  }
}

/** Tells a screen reader what came: it is not read the cards themselves. */
function say(side, words) {
  byId("said").textContent += `${SIDES[side]}: ${words} `;
}

function highlight(label) {
  const layer = byId("picture").querySelector(".boxes");
  layer.classList.toggle("chosen", label !== null);
  for (const box of layer.children) box.classList.toggle("on", box.dataset.label === label);
}

/** Asks for what to mark until there is an answer: `what` it is, its `reply`, and the `refusals` before it. */
async function marksOf(body, contentType, signal) {
  const refusals = [];
  for (const [what, path] of Object.entries(MARKS)) {
    try {
      return { what, reply: await ask(path, body, contentType, signal), refusals };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refusals.push(`${what}: ${error.message}`);
    }
  }
  return { reply: null, refusals };
}

/** The text with its sentiment, and each thing in it marked with the sentiment towards it or with its kind. */
function showMarks(text, { what, reply, refusals }, sides) {
  const found = reply?.answer.results ?? [];
  const call = reply ? [`${found.length ? "" : "Nothing to mark was found. "}${callOf(what, reply)}`] : [];
  const [first] = sides.managed?.answer.results ?? [];
  const card = element(
    "article",
    { class: "card said" },
    element("header", {}, element("h2", {}, "Marked in the text"), Object.entries(sides).map(sentimentTag)),
    element("p", { class: `text ${toneOfSentiment(first?.label)}` }, ...marked(text, found)),
    [...call, ...refusals].map((words) => element("p", { class: "quiet small" }, words)),
  );
  byId("marked").replaceChildren(card);
}

const toneOfSentiment = (label) => TONES_OF[label?.toLowerCase()] ?? "";

function sentimentTag([side, reply]) {
  const [first] = reply?.answer.results ?? [];
  if (!first) return null;
  return element("span", { class: `tag ${toneOfSentiment(first.label)}` }, `${SIDES[side]}: ${first.label} ${percent(first.score)}`);
}

/** The text in pieces; of spans that overlap, the first and longest is marked. Spans count characters, not UTF-16. */
function marked(text, results) {
  const characters = Array.from(text);
  const labels = labelsOf(results);
  const spans = results.filter((result) => result.span);
  spans.sort((one, other) => one.span.begin - other.span.begin || other.span.end - one.span.end);
  const pieces = [];
  let position = 0;
  for (const result of spans) {
    const { begin, end } = result.span;
    if (begin < position) continue;
    pieces.push(characters.slice(position, begin).join(""));
    pieces.push(markOf(characters.slice(begin, end).join(""), result, labels));
    position = end;
  }
  return [...pieces, characters.slice(position).join("")];
}

/** Words in the text with their kind, and where it is known the sentiment towards them: said as well as coloured. */
function markOf(words, { label, details }, labels) {
  const type = details?.type;
  const name = (type ? `${type}: ${label}` : label).replaceAll("_", " ");
  const tone = type ? toneOfSentiment(label) : `tone${toneOf(labels, label)}`;
  return element("mark", { class: tone }, words, element("small", {}, name));
}
