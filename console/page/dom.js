// Makes elements of HTML and SVG. A child that is a string becomes text, so nothing that was sent becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that are null, undefined or false are left out, and functions become listeners. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An SVG element. */
export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...there(children));
  return made;
}

/** The children that are there, out of lists of any depth. */
export const there = (children) =>
  children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== "");

/** The element of the page with an id. */
export const byId = (id) => document.getElementById(id);
