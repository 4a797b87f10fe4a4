// Signs a request with AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request").

const ALGORITHM = "AWS4-HMAC-SHA256";
const encoder = new TextEncoder();

const hexadecimal = (buffer) =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const digest = async (data) => hexadecimal(await crypto.subtle.digest("SHA-256", data));

async function keyed(key, text) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, encoder.encode(text));
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
export const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** Names in the order of their characters, and values of one name in the order of theirs. */
function canonicalQuery(query) {
  const pairs = [...new URLSearchParams(query)].map((pair) => pair.map(encoded));
  const order = (one, other) => (one < other ? -1 : Number(one > other));
  pairs.sort(([name, value], [otherName, otherValue]) => order(name, otherName) || order(value, otherValue));
  return pairs.map((pair) => pair.join("=")).join("&");
}

/**
 * The headers to send, signature included.
 *
 * `path` is as it goes into the address, encoded once; `query` as after its question mark. `host` is the one that the
 * service sees, which is not the page's own when something in between forwards the call.
 */
export async function signed({ method, host, path, query = "", headers, body, region, service, credentials, date }) {
  const time = date.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = [time.slice(0, 8), region, service, "aws4_request"];
  const sent = { ...headers, "x-amz-date": time };
  if (credentials.sessionToken) sent["x-amz-security-token"] = credentials.sessionToken;
  const covered = Object.entries({ ...sent, host }).map(([name, value]) => [name.toLowerCase(), value.trim()]);
  covered.sort(([one], [other]) => (one < other ? -1 : 1));
  const names = covered.map(([name]) => name).join(";");
  const request = [
    method,
    path.split("/").map(encoded).join("/"),
    canonicalQuery(query),
    ...covered.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    await digest(body),
  ].join("\n");
  const toSign = [ALGORITHM, time, scope.join("/"), await digest(encoder.encode(request))].join("\n");
  let key = encoder.encode(`AWS4${credentials.secretAccessKey}`);
  for (const part of scope) key = await keyed(key, part);
  const signature = hexadecimal(await keyed(key, toSign));
  const credential = `${credentials.accessKeyId}/${scope.join("/")}`;
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...sent, authorization };
}
