// Asks the recognition API with signed requests, and turns whatever goes wrong into a sentence.

import { encoded, signed } from "./sigv4.js";

// API Gateway gives up after 29 s.
const PATIENCE_MILLISECONDS = 40_000;

// The API's code for a network of which no version serves yet: no waiting helps then.
export const NOT_RELEASED = "ModelNotReleased";

/** The API did not answer; the message is a sentence for the person, `field` the part of the request at fault. */
export class Refused extends Error {
  constructor(message, field = null, code = null) {
    super(message);
    this.field = field;
    this.code = code;
  }
}

/**
 * A function that asks one path of the API: `ask(path, body, contentType, signal, endpoint)`.
 *
 * `endpoint` is one of an own network that has no instance while nobody asks; it is asked until it answers, or until
 * the signal. The function gives the answer and the milliseconds that it took as the page saw them, and throws Refused otherwise.
 */
export function asker(configuration, credentials) {
  const host = configuration.apiHost ?? location.host;
  return async function ask(path, body, contentType, signal, endpoint = "") {
    const content = new Uint8Array(body instanceof Blob ? await body.arrayBuffer() : new TextEncoder().encode(body));
    const address = `${configuration.apiPath}/${path}`;
    const query = endpoint && `endpoint=${endpoint}`;
    // By it the API finds the answer to what was asked before.
    const key = endpoint && { "idempotency-key": crypto.randomUUID() };
    const started = performance.now();
    for (;;) {
      const headers = await signed({
        method: "POST",
        host,
        path: address,
        query,
        headers: { "content-type": contentType, ...key },
        body: content,
        region: configuration.region,
        service: "execute-api",
        credentials: await credentials(),
        date: new Date(),
      });
      const request = { method: "POST", headers, body: content };
      const response = await sent(query ? `${address}?${query}` : address, request, signal);
      const answer = await parsed(response);
      if (response.ok) return { answer, milliseconds: performance.now() - started };
      const seconds = secondsToWait(response, answer);
      if (!endpoint || !seconds) {
        throw new Refused(sentenceOf(response, answer), answer.error?.field, answer.error?.code);
      }
      await pause(seconds * 1000, signal);
    }
  };
}

/**
 * A function that reads the state of the deployment, or with a training job's name what its evaluation found.
 *
 * It throws Refused where it cannot.
 */
export function reader(configuration, credentials) {
  return async function read(job = null) {
    const address = "watch.json";
    const query = job === null ? "" : `evaluation=${encoded(job)}`;
    const headers = await signed({
      method: "GET",
      host: configuration.watchHost ?? location.host,
      path: new URL(address, location.href).pathname,
      query,
      headers: {},
      body: new Uint8Array(),
      region: configuration.region,
      service: "lambda",
      credentials: await credentials(),
      date: new Date(),
    });
    const response = await sent(query ? `${address}?${query}` : address, { headers }, null);
    const answer = await parsed(response);
    if (!response.ok) throw new Refused(sentenceOf(response, answer));
    return answer;
  };
}

/**
 * A function that calls an action of Step Functions on its JSON protocol: `call(action, request)` gives the answer.
 *
 * `machine` is the part of the configuration that is about one state machine.
 *
 * Step Functions answers no page of another origin, so the calls go to an address of the page's own place.
 */
export function stepFunctions(machine, region, credentials) {
  return async function call(action, request) {
    const body = new TextEncoder().encode(JSON.stringify(request));
    const headers = await signed({
      method: "POST",
      host: machine.host ?? location.host,
      path: "/",
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AWSStepFunctions.${action}` },
      body,
      region,
      service: "states",
      credentials: await credentials(),
      date: new Date(),
    });
    const response = await sent(machine.address, { method: "POST", headers, body }, null);
    const answer = await parsed(response);
    if (!response.ok) throw new Refused(sentenceOf(response, { message: answer.Message, ...answer }));
    return answer;
  };
}

async function sent(address, request, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  try {
    return await fetch(address, { ...request, signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (patience.aborted) {
      throw new Refused(`There was no answer within ${PATIENCE_MILLISECONDS / 1000} seconds. Try again.`);
    }
    throw new Refused("The API cannot be reached. See whether the deployment is up, then try again.");
  }
}

async function parsed(response) {
  try {
    return await response.json();
  } catch {
    throw new Refused(`The API answered ${response.status} with something other than JSON. Try again.`);
  }
}

/** After how many seconds the same request may be answered; 0 where nobody would wait for that. */
function secondsToWait(response, answer) {
  const seconds = answer.error?.code === NOT_RELEASED ? 0 : Number(response.headers.get("retry-after"));
  // A budget begins anew after hours or weeks, which its own sentence says.
  return seconds <= PATIENCE_MILLISECONDS / 1000 ? seconds : 0;
}

function sentenceOf(response, answer) {
  const sentence = answer.error?.message ?? answer.message ?? `The API answered ${response.status}.`;
  const seconds = secondsToWait(response, answer);
  return seconds ? `${sentence} It may work in ${seconds} seconds.` : sentence;
}

/** Ends after a time, or with the signal's reason. */
const pause = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
