"""The style of the pages about comparing, changing, failing and teaching; `hgan.visualize.style` has the rest."""

PAGES_CSS = """
.hg-waterfall .hg-drawing { max-width: 520px; }
.hg-wf-join { stroke: var(--soft); stroke-width: 1; }
.hg-wf-zero { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
.hg-wf-sum { fill: var(--ink); }
.hg-wf-stripe { fill: var(--card); fill-opacity: .85; }
.hg-waterfall text { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.hg-side { display: grid; grid-template-columns: minmax(110px, 200px) minmax(0, 1fr); gap: .8rem; align-items: center; }
.hg-side img { width: 100%; border-radius: 6px; margin: 0; }
.hg-side figcaption { color: var(--ink); font-size: 15px; overflow-wrap: anywhere; }
.hg-before-after { display: grid; grid-template-columns: 4.2rem minmax(0, 1fr) 4rem; gap: .6rem; align-items: center;
  font-variant-numeric: tabular-nums; max-width: 640px; }
.hg-before-after .hg-bar { height: 20px; }
.hg.hg-failures .hg-table th, .hg.hg-failures .hg-table td { white-space: normal; text-align: left; min-width: 4rem; }
.hg.hg-failures .hg-table th[scope=row] { min-width: 15rem; max-width: 24rem; }
.hg.hg-failures .hg-table td:nth-child(2), .hg.hg-failures .hg-table td:nth-child(4) { min-width: 11rem; }
.hg.hg-failures .hg-table td:last-child, .hg.hg-about .hg-table td:last-child,
.hg.hg-metrics .hg-table td:last-child { width: auto; }
.hg.hg-about .hg-table td { white-space: normal; overflow-wrap: anywhere; }
.hg-question { font-size: clamp(1.3rem, 2.6vw, 2.1rem); font-weight: 600; line-height: 1.3; margin: .4rem 0 .6rem; }
.hg-cards { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .8rem; }
.hg figure.hg-card { display: flex; flex-direction: column; margin: 0; background: var(--card);
  border: 2px solid var(--edge); border-radius: 10px; overflow: hidden; }
.hg-card figcaption { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; padding: .35rem .7rem;
  color: var(--ink); font-size: 15px; }
.hg-card figcaption b { font-size: 1.3rem; }
.hg-card input { width: 4.2rem; padding: .2rem .4rem; border: 1px solid var(--soft); border-radius: 6px; background: var(--card);
  color: var(--ink); font: inherit; }
.hg-vote { display: block; width: 100%; padding: 0; border: 0; background: none; cursor: pointer; }
.hg-vote img { display: block; width: 100%; margin: 0; }
.hg-vote:focus-visible, .hg-button:focus-visible { outline: 3px solid #56B4E9; outline-offset: -3px; }
.hg-votes { display: block; height: 8px; margin-top: auto; background: var(--edge); }
.hg-votes i { display: block; height: 100%; width: 0; background: var(--ink); transition: width .2s; }
.hg-outcome { visibility: hidden; font-weight: 600; }
.hg-revealed .hg-outcome { visibility: visible; }
.hg-revealed .hg-card[data-true=yes] { border-color: #D55E00; outline: 3px solid #D55E00; }
.hg-card label { margin: 0; }
.hg-actions a, .hg-failures a { text-decoration: underline; color: inherit; }
.hg-failures img { width: 84px; max-width: none; margin: 0 .4rem 0 0; border-radius: 4px; display: inline-block;
  vertical-align: middle; }
.hg-actions { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: center; }
.hg-button { padding: .5rem 1.2rem; border: 2px solid var(--soft); border-radius: 8px; background: var(--card); color: var(--ink);
  font: inherit; font-weight: 600; cursor: pointer; }
.hg-reveal { background: var(--ink); color: var(--card); border-color: var(--ink); }
.hg-answer { border-top: 2px solid var(--edge); margin-top: 1rem; padding-top: .6rem; }
.hg-class { font-size: 1.15rem; font-weight: 600; }
#card table { width: 100%; }
#card td, #card th { word-break: normal; overflow-wrap: anywhere; }
#card pre, #card pre code { white-space: pre-wrap; overflow-wrap: anywhere; } /* what scrolls could not be reached by keyboard */
#card pre .token { color: inherit; }
@media (max-width: 1000px) { .hg-cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 520px) {
  .hg-cards { gap: .4rem; }
  .hg-card figcaption { padding: .25rem .4rem; gap: .1rem .4rem; font-size: 13.5px; }
  .hg-card input { width: 3.2rem; }
  .hg.hg-failures .hg-table th[scope=row], .hg.hg-failures .hg-table td:nth-child(2),
  .hg.hg-failures .hg-table td:nth-child(4) { min-width: 8.5rem; }
  .hg-side { grid-template-columns: 110px minmax(0, 1fr); }
  #card td, #card th { padding: 2px; font-size: 11px; }
}
"""
