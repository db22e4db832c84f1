/** The pages' one style sheet: the reader's own fonts and, by their choice, light or dark. */
export const STYLE = `:root {
  --ground: #ffffff; --raised: #f6f8f8; --line: #dde4e3; --text: #16211f; --quiet: #566663; --accent: #0f766e;
  --on-accent: #ffffff; --code: #eef3f2; --block: #0f1c1a; --block-text: #d9f2ec;
  --get: #1d6fb8; --post: #0f766e; --patch: #9a5b00; --bad: #b3261e;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1413; --raised: #141e1c; --line: #263532; --text: #e3ecea; --quiet: #9db0ac; --accent: #5eead4;
    --on-accent: #06201c; --code: #1b2826; --block: #070d0c; --block-text: #cdeee6;
    --get: #7cc0ff; --post: #5eead4; --patch: #f4bf75; --bad: #ff9a91;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.6 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: var(--accent); text-underline-offset: .2em; }
a:focus-visible, pre:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; z-index: 2; background: var(--ground); padding: .5rem 1rem; }
.top { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.5rem;
  padding: .6rem clamp(1rem, 4vw, 2.5rem); background: var(--ground); border-bottom: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: .6rem; font-weight: 650; color: var(--text); text-decoration: none; }
.top nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-left: auto; font-size: .95rem; }
.top nav a { color: var(--quiet); text-decoration: none; padding: .2rem 0; }
.top nav a:hover, .top nav a[aria-current] { color: var(--text); box-shadow: 0 2px 0 var(--accent); }
.page { max-width: 54rem; margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 2.5rem) 5rem; }
.with-aside { max-width: 78rem; display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 3.5rem; }
aside { font-size: .9rem; }
aside nav { position: sticky; top: 4.5rem; max-height: calc(100vh - 6rem); overflow-y: auto; padding-bottom: 1rem; }
aside h2 { font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; color: var(--quiet); border: 0;
  margin: 0 0 .4rem; padding: 0; }
aside section + section { margin-top: 1.4rem; }
aside ul { list-style: none; margin: 0; padding: 0; }
aside a { display: block; padding: .2rem 0; color: var(--text); text-decoration: none; }
aside a:hover { color: var(--accent); }
h1 { font-size: clamp(1.8rem, 4.5vw, 2.5rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 1rem;
  text-wrap: balance; }
h2 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; margin: 3.5rem 0 1rem; padding-top: 1.5rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.15rem; line-height: 1.35; margin: 2.75rem 0 .5rem; }
h4 code { text-transform: none; letter-spacing: 0; }
h4 { font-size: .8rem; letter-spacing: .05em; text-transform: uppercase; color: var(--quiet); margin: 1.5rem 0 .4rem; }
p { margin: .6rem 0; }
.lead { font-size: 1.2rem; line-height: 1.5; color: var(--quiet); text-wrap: pretty; }
code { font-family: var(--mono); font-size: .875em; background: var(--code); border-radius: .3em; padding: .1em .28em;
  overflow-wrap: anywhere; }
pre { margin: .75rem 0 1.25rem; padding: 1rem 1.15rem; overflow: auto; max-height: 28rem; background: var(--block);
  color: var(--block-text); border: 1px solid var(--line); border-radius: .6rem; font-size: .85rem; line-height: 1.55; }
pre code { background: none; padding: 0; font-size: 1em; overflow-wrap: normal; }
.scroll { overflow-x: auto; margin: .75rem 0 1.25rem; border: 1px solid var(--line); border-radius: .6rem; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; line-height: 1.45; }
th { text-align: left; font-weight: 600; color: var(--quiet); background: var(--raised); white-space: nowrap; }
th, td { padding: .55rem .9rem; vertical-align: top; }
tr + tr td { border-top: 1px solid var(--line); }
td:first-child code, td.number { white-space: nowrap; }
td p { margin: 0; }
.quiet { color: var(--quiet); }
.method { display: inline-block; font: 700 .78rem/1.5 var(--mono); border: 1px solid; border-radius: .3rem;
  padding: 0 .45em; }
.get { color: var(--get); } .post { color: var(--post); } .patch { color: var(--patch); }
.route { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .6rem; margin: .3rem 0 .6rem; }
.route code { background: none; padding: 0; font-size: .95rem; }
.failures { display: flex; flex-wrap: wrap; gap: .35rem; list-style: none; padding: 0; margin: .4rem 0; font-size: .9rem; }
.failures a { text-decoration: none; }
.failures code { color: var(--text); }
.failures b { font-weight: 600; color: var(--quiet); padding-right: .25rem; }
details { margin: .75rem 0; border: 1px solid var(--line); border-radius: .6rem; padding: 0 1rem; }
summary { cursor: pointer; padding: .55rem 0; font-size: .92rem; font-weight: 600; color: var(--quiet); }
.error { border-top: 1px solid var(--line); padding: 1.1rem 0; display: grid; grid-template-columns: 4rem minmax(0, 1fr);
  gap: 0 1rem; }
.error:target { background: var(--raised); box-shadow: 0 0 0 .75rem var(--raised); border-radius: .2rem; }
.error .status { font: 600 1.15rem/1.5 var(--mono); color: var(--bad); }
.error h3 { margin: 0; }
.error p { margin: .2rem 0; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.75rem 0; }
.actions a { padding: .6rem 1.15rem; border-radius: .5rem; border: 1px solid var(--line); text-decoration: none;
  font-weight: 600; color: var(--text); }
.actions a.first { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin: 1.5rem 0; }
.cards section { background: var(--raised); border: 1px solid var(--line); border-radius: .6rem; padding: 1.1rem 1.25rem; }
.cards h3 { margin: 0 0 .3rem; font-size: 1rem; }
.cards p { margin: 0; font-size: .95rem; color: var(--quiet); }
figure { margin: 1.5rem 0; overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 34rem; height: auto; color: var(--text); }
@media (max-width: 56rem) {
  .with-aside { display: block; }
  aside nav { position: static; max-height: none; }
  aside { border-bottom: 1px solid var(--line); margin-bottom: 2rem; columns: 2; column-gap: 1.5rem; }
  aside section { break-inside: avoid; }
  .top { position: static; }
  .top nav { margin-left: 0; }
  html { scroll-padding-top: 1rem; }
}
@media (max-width: 40rem) {
  aside { columns: 1; max-height: 14rem; overflow-y: auto; border: 1px solid var(--line); border-radius: .6rem;
    padding: .8rem 1rem; }
  .stacks thead { display: none; }
  .stacks tr { display: block; padding: .6rem .9rem; border-top: 1px solid var(--line); }
  .stacks tr:first-child { border-top: 0; }
  .stacks td { display: block; border: 0; padding: .1rem 0; }
  .error { display: block; }
}
@media print { .top nav, aside, .skip { display: none; } .page { max-width: none; } }
`;
