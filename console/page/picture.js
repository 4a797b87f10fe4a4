// Makes a file ready to be sent, and draws what was found over the picture.

import { Refused } from "./api.js";
import { element } from "./dom.js";
import { count, percent, size } from "./figures.js";

// What Lambda's event leaves for an image; the API refuses more (IMAGE_BYTES of lambdas/common/bodies.py).
export const IMAGE_BYTES = 4_620_288;
const TYPES = ["image/png", "image/jpeg"];
// Recognition looks at far fewer pixels than a photograph has.
const LONGEST_SIDE = 2560;
const QUALITY = 0.9;
const SHRINK = 0.8;
export const TONES = 6;

/**
 * The file as it can be sent: itself, or made a smaller JPEG here in the browser; `note` says what was done.
 *
 * Throws Refused when the browser cannot read it as a picture.
 */
export async function prepared(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Refused(`${file.name || "What you chose"} is no picture that this browser can read. Choose a PNG or JPEG file.`);
  }
  const { width, height } = bitmap;
  const fits = file.size <= IMAGE_BYTES;
  if (fits && TYPES.includes(file.type)) {
    return { blob: file, width, height, note: `${count(width)} × ${count(height)} pixels, ${size(file.size)}, sent as it is.` };
  }
  const made = await smaller(bitmap);
  const before = `${count(width)} × ${count(height)} (${size(file.size)})`;
  const after = `${count(made.width)} × ${count(made.height)} (${size(made.blob.size)})`;
  const note = fits
    ? `Written anew as JPEG in your browser (${after}), because the API takes PNG and JPEG.`
    : `Shrunk in your browser from ${before} to ${after}, because the API takes ${size(IMAGE_BYTES)} at most.`;
  return { ...made, note };
}

async function smaller(bitmap) {
  let scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  for (;;) {
    const width = Math.max(1, Math.round(bitmap.width * scale));
    const height = Math.max(1, Math.round(bitmap.height * scale));
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    // JPEG has no transparency: what shows through is white, as on paper.
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0, width, height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    if (blob.size <= IMAGE_BYTES) return { blob, width, height };
    scale *= SHRINK;
  }
}

/** Draws each result that has a box, surest on top; the tone of each label is its place among the labels. */
export function drawBoxes(layer, results) {
  const located = results.filter((result) => result.box);
  const labels = labelsOf(located);
  layer.replaceChildren(
    ...located.toReversed().map(({ label, score, box }) => {
      const made = element("div", { class: `box tone${toneOf(labels, label)}`, "data-label": label });
      made.append(element("b", {}, `${label} ${percent(score)}`));
      const inside = (share) => Math.min(1, Math.max(0, share));
      const [left, top] = [inside(box.left), inside(box.top)];
      made.style.left = percentage(left);
      made.style.top = percentage(top);
      made.style.width = percentage(inside(box.left + box.width) - left);
      made.style.height = percentage(inside(box.top + box.height) - top);
      return made;
    }),
  );
  return located.length;
}

const percentage = (share) => `${(share * 100).toFixed(2)}%`;

/** The different labels in the order of the alphabet, so that a label's tone does not hang on its score. */
export const labelsOf = (results) => [...new Set(results.map((result) => result.label))].sort();

export const toneOf = (labels, label) => labels.indexOf(label) % TONES;
