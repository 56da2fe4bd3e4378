// A provider of OpenID Connect (oidc-provider, a certified implementation) on a port of its own, for the tests of signing in.
//
// It is given a plan on standard input, as JSON: { client, secret, returns }: what the collector is called, what both know, and where people are
// sent back to. It prints {"issuer": "http://localhost:..."} and serves until it is ended.
//
// Whoever comes is asked who they are and whether they used a second factor. A name such as "twist:nonce" has the ID token changed on its way
// out, as a dishonest or careless provider might; see TWISTS.
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { webcrypto } from "node:crypto";

// Node 18 keeps it elsewhere.
globalThis.crypto ??= webcrypto;
const MODULES = process.env.VARDE_NODE_MODULES;
const { default: Provider } = await import(pathToFileURL(join(MODULES, "oidc-provider", "lib", "index.js")));
const jose = await import(pathToFileURL(createRequire(join(MODULES, "oidc-provider", "package.json")).resolve("jose")));

const plan = JSON.parse(readFileSync(0, "utf8"));
const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
// Another site than the collector at 127.0.0.1, so that cookies go where they would go.
const issuer = `http://localhost:${server.address().port}`;

const own = await jose.generateKeyPair("RS256", { extractable: true });
const another = await jose.generateKeyPair("RS256", { extractable: true });
const jwk = { ...(await jose.exportJWK(own.privateKey)), kid: "own", use: "sig", alg: "RS256" };

const provider = new Provider(issuer, {
  clients: [{ client_id: plan.client, client_secret: plan.secret, redirect_uris: [plan.returns], response_types: ["code"], grant_types: ["authorization_code"] }],
  jwks: { keys: [jwk] },
  claims: { openid: ["sub", "amr", "acr"] },
  cookies: { keys: ["of-the-test-alone"] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  interactions: { url: (_, interaction) => `/who/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  // It is the operator's own: nobody is asked whether the collector may know who they are.
  async loadExistingGrant(ctx) {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});

const signed = (claims, key, alg = "RS256", kid = "own") => new jose.SignJWT(claims).setProtectedHeader({ alg, kid, typ: "JWT" }).sign(key);
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const TWISTS = {
  none: (claims) => `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`,
  secret: (claims) => signed(claims, new TextEncoder().encode(plan.secret), "HS256"),
  key: (claims) => signed(claims, another.privateKey),
  nonce: (claims) => signed({ ...claims, nonce: "of-another-question" }, own.privateKey),
  silent: ({ nonce, ...claims }) => signed(claims, own.privateKey),
  audience: (claims) => signed({ ...claims, aud: "somebody-else" }, own.privateKey),
  issuer: (claims) => signed({ ...claims, iss: "https://evil.example" }, own.privateKey),
  late: (claims) => signed({ ...claims, iat: claims.iat - 7200, exp: claims.exp - 7200 }, own.privateKey),
};

provider.use(async (ctx, next) => {
  const who = /^\/who\/([\w-]+)$/.exec(ctx.path);
  if (who && ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = `<!doctype html><html lang="en"><title>Who</title><form method="post"><label>Who <input name="who" autofocus></label>
      <label>Second factor <input type="checkbox" name="second"></label><button>Go on</button></form>`;
    return;
  }
  if (who && ctx.method === "POST") {
    const body = [];
    for await (const piece of ctx.req) body.push(piece);
    const filled = new URLSearchParams(Buffer.concat(body).toString());
    const login = { accountId: filled.get("who"), amr: filled.has("second") ? ["pwd", "mfa"] : ["pwd"], remember: false };
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login }));
    return;
  }
  await next();
  if (ctx.path === "/token" && ctx.body?.id_token) {
    const claims = jose.decodeJwt(ctx.body.id_token);
    const twist = TWISTS[claims.sub.split(":")[1]];
    if (twist) ctx.body.id_token = await twist({ ...claims, sub: claims.sub.split(":")[2] ?? claims.sub });
  }
});

server.on("request", provider.callback());
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
