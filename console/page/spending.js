// What the answers that this page got have cost so far.

import { usd } from "./figures.js";

const spent = { calls: 0, dollars: 0, played: 0, unknown: 0, hourly: 0 };

/** Takes an answer into the sum; returns the sum as a sentence. */
export function counted({ cost, stand_in: standIn }) {
  spent.calls += 1;
  if (cost.unit === null) spent.hourly += 1;
  else if (cost.usd === null) spent.unknown += 1;
  else if (standIn) spent.played += cost.usd;
  else spent.dollars += cost.usd;
  return sentence();
}

function sentence() {
  const { calls, dollars, played, unknown, hourly } = spent;
  const beside = [
    played ? `${usd(played)} of stand-ins at AWS, free here` : "",
    unknown ? `${unknown} of an unconfirmed price` : "",
    hourly ? `${hourly} of an endpoint that costs by the hour` : "",
  ].filter(Boolean);
  const answers = `${calls} ${calls === 1 ? "answer" : "answers"}`;
  return `So far on this page: ${answers} for ${usd(dollars)}${beside.length ? `; ${beside.join(", ")}` : ""}.`;
}
