"""The style sheet of what is drawn. It takes its colours from the page around it, light or dark."""

from .pages_css import PAGES_CSS

_CSS = """
button[role=tab][aria-selected=true] { color: color-mix(in srgb, var(--color-accent) 60%, var(--body-text-color)) !important; }
.gradio-container { overflow: clip !important; } /* not hidden: what sticks to the top would not */
.hg { --ink: var(--body-text-color, #1f2328); --soft: color-mix(in srgb, var(--body-text-color, #1f2328) 72%, transparent);
  --edge: var(--border-color-primary, #d0d7de); --card: var(--background-fill-primary, #fff); color: var(--ink);
  font-size: 15px; line-height: 1.45; }
.hg h2, .hg h3 { font-weight: 600; }
.hg h2 { font-size: 1.3rem; margin: .2rem 0 .4rem; overflow-wrap: anywhere; color: var(--ink); }
.hg h3 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; color: var(--ink); }
.hg p { margin: .35rem 0; overflow-wrap: anywhere; }
.hg-small, .hg-legend, .hg figcaption { color: var(--soft); font-size: 13.5px; }
.hg-hint { color: var(--body-text-color, #1f2328); border: 1px dashed currentColor; opacity: .75;
  border-radius: 8px; padding: 1.2rem; text-align: center; margin: .5rem 0; }
.hg-notice { border-left: 4px solid #D55E00; padding: .3rem .7rem; background: #D55E0018; }
.hg-legend { display: flex; flex-wrap: wrap; gap: .15rem 1rem; }
.hg-swatch { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em;
  vertical-align: -.05em; }
i.hg-swatch.hg-minus { background-color: var(--soft); }
.hg-minus { background-image: repeating-linear-gradient(45deg, #fff 0 2px, transparent 2px 6px); }
.hg-verdict { border-left: 4px solid var(--soft); padding: .3rem .7rem; }
.hg-good { border-color: #009E73; background: #009E7318; }
.hg-weak { border-color: #E69F00; background: #E69F0018; }
.hg-nothing { border-color: #D55E00; background: #D55E0018; }
ol.hg-matches { list-style: none; padding: 0; margin: .6rem 0; display: grid; gap: .5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(440px, 100%), 1fr)); }
ol.hg-matches li { margin: 0; padding: 0; }
.hg-match { display: grid; grid-template-columns: 2.1rem 104px minmax(0, 1fr); gap: .7rem; align-items: center; width: 100%;
  text-align: left; padding: .5rem; border: 2px solid var(--edge); border-radius: 10px; background: var(--card);
  color: var(--ink); cursor: pointer; font: inherit; }
.hg-match:hover { border-color: var(--soft); }
.hg-match:focus-visible { outline: 3px solid #56B4E9; outline-offset: 2px; }
.hg-match[aria-pressed=true] { border-color: #D55E00; box-shadow: inset 5px 0 0 #D55E00; }
.hg-match img { width: 104px; height: 84px; object-fit: contain; margin: 0; border-radius: 4px; }
.hg-rank { font-size: 1.15rem; font-weight: 700; text-align: right; }
.hg-move { display: block; font-size: 12.5px; font-weight: 600; white-space: nowrap;
  color: color-mix(in srgb, #D55E00 70%, var(--ink)); }
.hg-facts, .hg-caption { display: block; min-width: 0; }
.hg-caption { margin-bottom: .2rem; overflow-wrap: anywhere; }
.hg-line, .hg-parts { display: flex; flex-wrap: wrap; gap: 0 .9rem; }
.hg-line { justify-content: space-between; }
.hg-parts, .hg-id { font-size: 13px; font-variant-numeric: tabular-nums; }
.hg-id { color: var(--soft); overflow-wrap: anywhere; }
.hg-bar { position: relative; display: block; height: 14px; margin: .25rem 0; min-width: 90px; }
.hg-bar i { position: absolute; top: 0; bottom: 0; }
.hg-bar .hg-zero { border-left: 1px solid var(--ink); top: -2px; bottom: -2px; }
.hg-bar .hg-sum { border-left: 3px solid var(--ink); top: -3px; bottom: -3px; margin-left: -1px; }
.hg-sum-line { font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.hg-pair q { font-size: 1.05rem; }
.hg-chooser { position: sticky; top: 0; z-index: 5; background: var(--card); border-bottom: 1px solid var(--edge);
  padding: .2rem 0 .35rem; }
.hg .hg-sentence { font-size: 1.45rem; line-height: 1.9; margin: 0; }
.hg-said { min-height: 2.9em; color: var(--soft); }
.hg-chip { font: inherit; color: var(--ink); background: none; border: 0; border-bottom: 1px solid #D55E00; padding: 0 .15em;
  border-radius: 4px 4px 0 0; cursor: pointer; line-height: 1.35; }
.hg-chips { display: flex; flex-wrap: wrap; gap: .4rem; }
.hg-chips .hg-chip { border: 1px solid var(--edge); border-radius: 999px; padding: .25em .8em; }
.hg-chip:hover { background: color-mix(in srgb, var(--ink) 9%, transparent); }
.hg-chip:focus-visible { outline: 3px solid #56B4E9; outline-offset: 1px; }
.hg .hg-chip.hg-on { background: #B85000; color: #fff; } /* darker than the other marks: words stand on it */
.hg .hg-chip.hg-met { background: #56B4E9; color: #000; }
.hg-linked [data-key] { cursor: pointer; }
.hg-waits { display: none; }
.hg-waits.hg-on, .hg-waits.hg-met { display: inline; }
.hg-choosing :is(.hg-region, .hg-badge, .hg-node, .hg-edge):not(.hg-on, .hg-met) { opacity: .2; }
.hg-choosing .hg-edge.hg-met:not(.hg-on) { opacity: .4; }
.hg-choosing .hg-chip:not(.hg-on, .hg-met) { opacity: .7; }
.hg-choosing .hg-region.hg-on .hg-over { stroke: #D55E00; stroke-width: 7px; }
.hg-choosing .hg-region.hg-met .hg-over { stroke: #56B4E9; stroke-width: 6px; }
.hg-choosing .hg-region:is(.hg-on, .hg-met) .hg-under { stroke-opacity: 1; stroke-width: 10px; }
.hg-choosing .hg-badge.hg-met rect { fill: #56B4E9; }
.hg-choosing .hg-badge.hg-met text { fill: #000; }
.hg-choosing .hg-edge.hg-on :is(line:last-child, path) { stroke: #D55E00; }
.hg-choosing .hg-node.hg-on circle { stroke: #000; stroke-width: 4px; fill: #D55E00; }
.hg-choosing .hg-node.hg-met circle { stroke: #000; stroke-width: 4px; fill: #56B4E9; }
.hg-choosing .hg-matrix td:not(.hg-on, .hg-met) { background-color: transparent !important; }
.hg-linked td.hg-on, .hg-linked td.hg-met { outline: 3px solid #D55E00; }
.hg-linked tr:has(th .hg-on) { background: #D55E0030; }
.hg-linked tr:has(th .hg-met) { background: #56B4E930; }
.hg-linked thead tr { background: none !important; }
.hg-linked thead .hg-on { background: #D55E0060; }
.hg-linked thead .hg-met { background: #56B4E960; }
.hg-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); gap: 1rem 1.4rem;
  align-items: start; }
.hg figure { margin: .8rem 0; min-width: 0; }
.hg-two > * { min-width: 0; }
.hg-drawing { display: block; width: 100%; height: auto; }
.hg-ink { fill: var(--ink); }
.hg-scroll { overflow-x: auto; }
.hg-scroll:focus-visible { outline: 3px solid #56B4E9; outline-offset: 2px; }
.hg table { border: 0; border-collapse: collapse; width: 100%; margin: .4rem 0; font-variant-numeric: tabular-nums;
  color: var(--ink); }
.hg caption { text-align: left; font-weight: 600; padding: .3rem 0; color: var(--ink); }
.hg th, .hg td { padding: .2rem .45rem; border: 0; border-bottom: 1px solid var(--edge); font-weight: 400; text-align: right;
  white-space: nowrap; background: none; }
.hg thead th { color: var(--soft); }
.hg th:first-child { text-align: left; }
.hg .hg-table th[scope=row] { white-space: normal; overflow-wrap: break-word; min-width: 6.2rem; max-width: 20rem; }
.hg .hg-table td:last-child { width: 26%; }
.hg th small { color: var(--soft); display: block; font-size: 12.5px; }
.hg tfoot th, .hg tfoot td { border-top: 2px solid var(--soft); }
.hg .hg-matrix { width: auto; border-collapse: separate; border-spacing: 2px; }
.hg .hg-matrix td { text-align: center; min-width: 46px; padding: .3rem .2rem; border: 0; }
.hg .hg-matrix thead th { vertical-align: bottom; border: 0; padding: 0 .2rem; text-align: left; }
.hg .hg-matrix thead th span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 11rem; color: var(--ink); }
.hg .hg-matrix tbody th { position: sticky; left: 0; background: var(--card); text-align: right; border: 0; font-weight: 600; }
.hg-whole { white-space: nowrap; }
.hg details { margin: .5rem 0; }
.hg summary { cursor: pointer; }
@media (max-width: 520px) {
  .gradio-container .prose h1 { font-size: 1.35rem !important; }
  .hg .hg-sentence { font-size: 1.15rem; line-height: 1.7; }
  .hg-said { font-size: 13px; }
  .hg-match { grid-template-columns: 1.2rem 76px minmax(0, 1fr); gap: .5rem; }
  .hg-match img { width: 76px; height: 70px; }
  .hg th, .hg td { padding: .2rem; font-size: 12.5px; }
  .hg .hg-table th[scope=row] { min-width: 4.4rem; }
  .hg .hg-table .hg-swatch { margin-right: .15em; }
  .hg .hg-table td:last-child { width: 20%; }
  .hg th small { display: none; }
  .hg-bar { min-width: 56px; }
}
"""

CSS = _CSS + PAGES_CSS
