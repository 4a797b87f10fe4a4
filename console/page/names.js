// What the advisor's candidates are called for people; its answers have their ids.

// What families are called; a family without a name here is a kind of network.
const FAMILIES = {
  managed: "managed service",
  managed_custom: "managed, own labels",
  foundation: "foundation model",
  traditional: "own model",
  hybrid: "own model and service",
};

let names = {};

/** Takes the names, by their ids. */
export function know(namesOfIds) {
  names = namesOfIds;
}

/** The name of a candidate; its id where it has none. */
export const nameOf = (id) => names[id] ?? id;

/** What a candidate's family is called. */
export const familyNameOf = (family) => FAMILIES[family] ?? "own network";
