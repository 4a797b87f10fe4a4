// Credentials for the API: those of the embedded AWS, or a signed-in person's from Cognito.
//
// The person signs in on Cognito's own page (OAuth 2.0 code flow with PKCE, RFC 7636). Tokens and credentials stay in
// memory; the only things written to the session's storage are what the way back needs.

import { Refused } from "./api.js";

const REFRESH_MILLISECONDS = 5 * 60_000;
const REMEMBERED = "sign-in";

// The codes of OAuth 2.0 (RFC 6749, 4.1.2.1).
const FAILURES = new Map([
  ["access_denied", "it was not allowed."],
  ["temporarily_unavailable", "Cognito is busy."],
  ["server_error", "Cognito has a fault."],
  ["unauthorized_client", "Cognito does not know this page's client as one that may do so."],
  ["invalid_request", "Cognito does not take the page's request."],
  ["invalid_scope", "Cognito does not give what the page asks for."],
  ["unsupported_response_type", "Cognito does not take the page's request."],
]);
const UNKNOWN_FAILURE = "Cognito says no.";

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (one) => ({ "+": "-", "/": "_", "=": "" })[one]);

// Where Cognito sends the person back to: the page without its file, question and fragment.
const home = () => new URL(".", location.href).href;

// The sign-in that this tab has begun; null where it has not.
const remembered = () => JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "null");

const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** A function that gives credentials which are valid for some minutes at least. May leave the page to sign in. */
export async function credentialsSource(configuration) {
  if (configuration.credentials) return async () => configuration.credentials;
  const cognito = configuration.signIn;
  const code = returnedCode();
  if (!code) return leave(cognito);
  let tokens = await tokensFrom(cognito, {
    grant_type: "authorization_code",
    code: code.code,
    code_verifier: code.verifier,
    redirect_uri: home(),
  });
  let current = await exchanged(configuration, tokens.id_token);
  return async () => {
    if (current.expires - Date.now() < REFRESH_MILLISECONDS) {
      const renewed = { grant_type: "refresh_token", refresh_token: tokens.refresh_token };
      tokens = { ...tokens, ...(await tokensFrom(cognito, renewed)) };
      current = await exchanged(configuration, tokens.id_token);
    }
    return current;
  };
}

/** The code that Cognito sent the person back with; it is taken out of the address, and the page's place restored.
 *
 * Anybody can make a link to this page: what does not bear the state of this sign-in is nobody's answer, and of what
 * does only the code of an error is looked up, never shown.
 */
function returnedCode() {
  const answer = new URLSearchParams(location.search);
  const begun = remembered();
  if (!begun || answer.get("state") !== begun.state) return null;
  sessionStorage.removeItem(REMEMBERED);
  history.replaceState(null, "", home() + begun.place);
  if (answer.has("error")) {
    throw new Refused(`Signing in failed: ${FAILURES.get(answer.get("error")) ?? UNKNOWN_FAILURE} Load the page again.`);
  }
  return answer.has("code") ? { code: answer.get("code"), verifier: begun.verifier } : null;
}

/** Goes to Cognito's page; the promise never settles, because the page is left. */
async function leave(cognito) {
  // A sign-in under way in this tab goes on, whatever link was followed meanwhile.
  const begun = remembered() ?? { state: randomText(), verifier: randomText() };
  sessionStorage.setItem(REMEMBERED, JSON.stringify({ ...begun, place: location.hash }));
  const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(begun.verifier));
  const question = new URLSearchParams({
    response_type: "code",
    client_id: cognito.clientId,
    redirect_uri: home(),
    scope: "openid",
    state: begun.state,
    code_challenge: base64url(challenge),
    code_challenge_method: "S256",
  });
  location.assign(`${cognito.domain}/oauth2/authorize?${question}`);
  return new Promise(() => {});
}

async function tokensFrom(cognito, grant) {
  const body = new URLSearchParams({ client_id: cognito.clientId, ...grant });
  return answered(`${cognito.domain}/oauth2/token`, { body });
}

/** A person's temporary credentials for their token. */
async function exchanged({ region, signIn }, idToken) {
  const logins = { [`cognito-idp.${region}.amazonaws.com/${signIn.userPoolId}`]: idToken };
  const call = (operation, request) =>
    answered(`https://cognito-identity.${region}.amazonaws.com/`, {
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `AWSCognitoIdentityService.${operation}`,
      },
      body: JSON.stringify(request),
    });
  const { IdentityId } = await call("GetId", { IdentityPoolId: signIn.identityPoolId, Logins: logins });
  const { Credentials: found } = await call("GetCredentialsForIdentity", { IdentityId, Logins: logins });
  return {
    accessKeyId: found.AccessKeyId,
    secretAccessKey: found.SecretKey,
    sessionToken: found.SessionToken,
    expires: found.Expiration * 1000,
  };
}

/** What Cognito answers to a request; throws Refused where it does not, or says no. */
async function answered(address, request) {
  let response, answer;
  try {
    response = await fetch(address, { method: "POST", ...request });
    answer = await response.json();
  } catch {
    throw new Refused("Signing in failed: Cognito cannot be reached. Load the page again.");
  }
  if (!response.ok) {
    throw new Refused(`Signing in failed: ${answer.message ?? answer.error ?? response.status}. Load the page again.`);
  }
  return answer;
}
