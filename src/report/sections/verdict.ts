import type { AnalysisReport, Answer, Sentence } from "../../analysis/analysis-report.ts";
import { countText, numberText, plural } from "../../analysis/number-text.ts";
import { evidenceOf, sectionOf } from "../evidence.ts";
import { firstPair } from "../facts.ts";
import { type Content, type Html, html } from "../html.ts";
import { isNumber, keepTogether, measuredText, shareText, valueText } from "../text.ts";

const questions: Readonly<Record<Sentence["id"], string>> = {
  slope: "Is a slope left?",
  saddle: "Is there negative curvature?",
  curvature: "Does the largest positive curvature exceed the largest negative one?",
  "random-plane": "Does the average random plane look like a minimum?",
  gain: "Can the loss be lowered along v₋?",
};

const marks: Readonly<Record<Answer, string>> = { yes: "yes", no: "no", "cannot tell": "cannot tell" };

export function verdictSection(report: AnalysisReport): Html {
  return html`<section id="verdict"><h2>Verdict</h2>
<ol class="verdict">${report.verdict.map((s) => sentence(report, s))}</ol>
${facts(report)}
</section>`;
}

function sentence(report: AnalysisReport, { id, answer, text, evidence }: Sentence): Html {
  return html`<li id="verdict-${id}"><div class="question">${questions[id] ?? id}</div>
<div class="answer ${answer.replace(" ", "-")}">${marks[answer]}</div>
<div class="sentence"><p>${keepTogether(text)}</p><details class="evidence"><summary>Evidence</summary><ul>${evidence.map(
    (path) =>
      html`<li><a href="#${sectionOf(path)}"><code>${path}</code></a> <span>${evidenceOf(report, path)}</span></li>`,
  )}</ul></details></div></li>`;
}

/** The numbers that everything else refers to, each with its error. */
function facts(report: AnalysisReport): Html {
  const { checkpoint, trace, model } = report;
  const [top, bottom] = [firstPair(report, "top"), firstPair(report, "bottom")];
  const residual = (pair: typeof top) => (pair && !pair.converged ? "not converged" : pair && "± residual");
  const entries: [term: Content, value: Content, note: Content][] = [
    ["Training loss", numberText(checkpoint.train.loss, 4), noise(checkpoint.lossNoise)],
    ["Test loss", valueText(checkpoint.test?.loss), checkpoint.test ? "" : "no test data"],
    [
      "Training accuracy",
      shareText(checkpoint.train.accuracy, 4),
      checkpoint.train.accuracy === null && "regression",
    ],
    ["Test accuracy", shareText(checkpoint.test?.accuracy, 4), ""],
    ["‖∇L‖", valueText(checkpoint.gradientNorm, 3), gradientNote(report)],
    ["‖θ‖", numberText(checkpoint.thetaNorm, 4), `${countText(model.parameters)} parameters`],
    ["λ₊", measuredText(top?.value, top?.residual), residual(top) ?? "not computed"],
    ["λ₋", measuredText(bottom?.value, bottom?.residual), residual(bottom) ?? "not computed"],
    [
      "tr H",
      measuredText(trace?.value, trace?.standardError),
      trace ? `± 1 standard error, ${plural(trace.probes, "probe")}` : "not computed",
    ],
    ["tr H / N", valueText(trace?.meanCurvature, 3), "mean curvature"],
    [
      html`‖H‖<sub>F</sub>`,
      measuredText(trace?.frobeniusNorm, trace?.frobeniusStandardError),
      trace && "± 1 standard error",
    ],
  ];
  const shown = entries.filter(([, value, note]) => value !== "–" || note !== "");
  return html`<dl class="facts">${shown.map(
    ([term, value, note]) => html`<div><dt>${term}</dt><dd>${value}<small>${note}</small></dd></div>`,
  )}</dl>`;
}

function gradientNote({ checkpoint, model }: AnalysisReport): Content {
  return model.obstacle === undefined ? noise(checkpoint.gradientNoise) : "no gradient";
}

function noise(value: number | null): Content {
  return isNumber(value) ? `noise ${numberText(value, 2)}` : "noise not measured";
}
