// Gathers from Designsystemet's package the parts that Varde's pages use, into designsystemet.css and icons/ beside this file.
//
//   npm pack @digdir/designsystemet-css@1.22.0 && node gather.mjs digdir-designsystemet-css-1.22.0.tgz
//
// The package is taken only if it is the one named below. Nothing in it is changed but this: pictures that stand in the style
// as data become files of their own, for the pages allow no data addresses.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "1.22.0";
const SHA512 = "f/+YOK1Gvl7ypdeRh0TDGs28eu8DkOPDAR+T8yLpnys9FxNWX05UNuhXJwYwRuzF9WUgjAhpJ5JKdodTDxWMEA==";
// In the order of the package's own index. Left out: avatars, badges that float over things, combobox, suggestion, skeleton,
// file-upload, spinner, toggle-group, and the two files that stand for older names.
const PARTS = [
  "link", "button", "card", "alert", "popover", "skip-link", "list", "breadcrumbs", "heading", "paragraph", "label",
  "divider", "validation-message", "input", "field", "fieldset", "details", "dialog", "error-summary", "pagination", "search",
  "table", "tabs", "tag", "chip", "tooltip",
];

const here = dirname(fileURLToPath(import.meta.url));
const archive = process.argv[2];
if (!archive) throw new Error("name the package's file: node gather.mjs digdir-designsystemet-css-1.22.0.tgz");
const hash = createHash("sha512").update(readFileSync(archive)).digest("base64");
if (hash !== SHA512) throw new Error(`${archive} is not version ${VERSION}: its SHA-512 is ${hash}, not ${SHA512}`);

const folder = mkdtempSync(join(tmpdir(), "designsystemet-"));
execFileSync("tar", ["xzf", archive, "-C", folder]);
const dist = join(folder, "package", "dist");
const part = (name) => readFileSync(join(dist, "src", `${name}.css`), "utf8").trim();

rmSync(join(here, "icons"), { recursive: true, force: true });
mkdirSync(join(here, "icons"));
const icons = new Map();
const withFiles = (css) =>
  css.replace(/url\("data:image\/svg\+xml;charset=utf-8,([^"]+)"\)/g, (_, data) => {
    if (!icons.has(data)) {
      const name = `icon-${icons.size + 1}.svg`;
      icons.set(data, name);
      writeFileSync(join(here, "icons", name), `${decodeURIComponent(data)}\n`);
    }
    return `url(${icons.get(data)})`;
  });

const css = [
  `/*! @digdir/designsystemet-css ${VERSION}, MIT, (c) Digitaliseringsdirektoratet; gathered by gather.mjs */`,
  "@layer ds.theme, ds.base, ds.components;",
  readFileSync(join(dist, "theme", "designsystemet.css"), "utf8").trim(),
  `@layer ds.base{${part("base")}}`,
  ...PARTS.map((name) => `@layer ds.components{${part(name)}}`),
].map(withFiles).join("\n");
const foreign = css.match(/url\((?!icon-\d+\.svg\))[^)]*\)|https?:\/\/[^"') ]+/g);
if (foreign) throw new Error(`addresses that lead elsewhere: ${foreign.join(" ")}`);
writeFileSync(join(here, "designsystemet.css"), `${css}\n`);
copyFileSync(join(folder, "package", "LICENSE"), join(here, "LICENSE"));
rmSync(folder, { recursive: true });
console.log(`${css.length} octets of style, ${icons.size} icons`);
