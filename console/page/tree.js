// The card with the questions that decide, as a tree in which the way of the person's answers is marked.

import { element } from "./dom.js";
import { nameOf } from "./names.js";

/** The card; null where no question divides the candidates. `questions` are those of the form. */
export function treeCard(tree, questions) {
  if (!tree.question) return null;
  const asked = new Map(questions.map(({ name, question }) => [name, question]));
  return element(
    "article",
    { class: "card" },
    element("h2", {}, "The questions that decide"),
    element("p", { class: "quiet small" }, "For what you have and what shall be told of it, the others unknown. The way of your answers is marked."),
    element("div", { class: "tree" }, partsOf(tree, asked)),
  );
}

function partsOf({ question, first, branches }, asked) {
  if (!question) return element("strong", {}, nameOf(first));
  return [element("span", {}, asked.get(question) ?? question), element("ul", {}, branches.map((branch) => branchOf(branch, asked)))];
}

const branchOf = ({ words, taken, node }, asked) =>
  element("li", { class: taken ? "taken" : null }, element("span", { class: "given" }, words, taken ? element("small", {}, "your answer") : null), partsOf(node, asked));
