/** How a report looks, by day and by night. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --text: #17202b; --soft: #5d6a7a; --line: #e3e7ec;
  --a: #2563eb; --b: #0891b2; --c: #7c3aed; --d: #d97706; --good: #15803d; --bad: #dc2626;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f141a; --card: #171e26; --text: #e6ebf1; --soft: #93a1b2; --line: #2a343f;
    --a: #60a5fa; --b: #22d3ee; --c: #a78bfa; --d: #fbbf24; --good: #4ade80; --bad: #f87171;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 28px 24px 48px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 16px; margin-bottom: 20px; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 32px 0 12px; }
h3 { font-size: 14px; margin: 0 0 6px; font-weight: 600; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.badge { border-radius: 99px; padding: 3px 14px; font-weight: 600; color: #ffffff; background: var(--good); }
.badge.failed { background: var(--bad); }
@media (prefers-color-scheme: dark) { .badge { color: #0f141a; } }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; }
.tile b { display: block; font-size: 22px; white-space: nowrap; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.tile.bad b { color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 14px; }
.charts.small { grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; }
td.words { white-space: normal; overflow-wrap: anywhere; }
.holds { color: var(--good); font-weight: 700; }
.breach { color: var(--bad); font-weight: 700; }
.u-legend { font: 12px system-ui, sans-serif; color: var(--soft); text-align: left; padding-left: 8px; }
.u-legend td, .u-legend th { border: 0; padding: 2px 4px 2px 0; color: var(--soft); }
.u-legend tr { margin-right: 12px; }
.u-legend.u-inline tr th::after { content: none; }
.u-legend.u-inline tr th { vertical-align: baseline; }
/* Where the cursor is nowhere there is no moment to name. */
.u-legend tr:first-child:not(:has(.u-value:not(:empty))) { display: none; }
h3 code { display: block; font: 12px ui-monospace, monospace; color: var(--soft); }
@media (max-width: 640px) {
  main { padding: 16px 12px 32px; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); }
  .verdicts td { white-space: normal; overflow-wrap: anywhere; }
}
summary { cursor: pointer; margin: 14px 0; color: var(--soft); }
footer { margin-top: 32px; color: var(--soft); font-size: 13px; }
`;
