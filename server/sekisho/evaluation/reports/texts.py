"""The words of the HTML report in English and Japanese, and for each number how it is made, in a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from sekisho.evaluation.reports.shape import Code, Outcome

Language = Literal["en", "ja"]
LANGUAGES: Final = get_args(Language)
Pair = tuple[str, str]

VERDICTS: Final[Mapping[Outcome, Pair]] = {
    "running": ("Not finished", "未完了"),
    "failed": ("The run failed", "実行に失敗"),
    "cancelled": ("Cancelled", "取り消し"),
    "inconclusive": ("Inconclusive", "判定不能"),
    "fail": ("Fail", "不合格"),
    "worse": ("Worse than the baseline", "基準より悪化"),
    "better": ("Better than the baseline", "基準より改善"),
    "unchanged": ("No change beyond doubt", "明らかな変化なし"),
    "pass": ("Pass", "合格"),
    "measured": ("Measured", "測定済み"),
}

MEANINGS: Final[Mapping[Outcome, Pair]] = {
    "running": ("What follows is what is known so far.", "以下は現時点で分かっている内容です。"),
    "failed": (
        "The run ended without a result; nothing can be said.",
        "結果が得られないまま終了したため、何も言えません。",
    ),
    "cancelled": ("The run was cancelled and is no evidence.", "実行は取り消されました。証拠にはなりません。"),
    "inconclusive": (
        "The run ended, and too little is known to say pass or fail.",
        "実行は終了しましたが、合否を言えるだけの根拠がありません。",
    ),
    "fail": ("At least one claim failed.", "少なくとも一つの主張が不合格です。"),
    "worse": (
        "At least one metric got worse with its whole interval.",
        "少なくとも一つの指標で、信頼区間全体が悪化側にあります。",
    ),
    "better": (
        "No metric got worse beyond doubt, and at least one got better.",
        "明らかに悪化した指標はなく、少なくとも一つが明らかに改善しました。",
    ),
    "unchanged": (
        "No metric changed beyond doubt. That is no proof that nothing changed.",
        "明らかに変化した指標はありません。変化がないことの証明ではありません。",
    ),
    "pass": ("Every claim passed.", "すべての主張が合格しました。"),
    "measured": (
        "These are measurements. Whether they suffice is for policy to say, at the gate.",
        "これは測定値です。十分かどうかは、ゲートでポリシーが判断します。",
    ),
}

REASONS: Final[Mapping[Code, Pair]] = {
    "run_reason": ("{text}", "{text}"),
    "metric_worse": (
        "{metric} got worse, its whole interval on that side of zero",
        "{metric}：悪化（区間全体がゼロの悪化側）",
    ),
    "metric_better": (
        "{metric} got better, its whole interval on that side of zero",
        "{metric}：改善（区間全体がゼロの改善側）",
    ),
    "metric_unknown": (
        "{metric} was scored for no case in both runs",
        "{metric}：両方の実行で採点されたケースがありません",
    ),
    "metric_verdict": ("{metric}: {said}", "{metric}：{said}"),
}

SAID: Final[Mapping[str, Pair]] = {
    "pass": ("pass", "合格"),
    "fail": ("fail", "不合格"),
    "inconclusive": ("inconclusive", "判定不能"),
}

WORDS: Final[Mapping[str, Pair]] = {
    "report": ("Evaluation report", "評価レポート"),
    "by_suite": ("by suite", "スイート"),
    "cases_scored": ("cases scored", "採点済み件数"),
    "of": ("of", "/"),
    "coverage": ("coverage", "カバレッジ"),
    "origin": ("origin", "出所"),
    "measured": ("measured", "実測（measured）"),
    "imported": ("imported", "持ち込み（imported）"),
    "attested": ("attested", "人の証言（attested）"),
    "finished": ("finished", "終了"),
    "latency": ("latency, median and 95th percentile", "応答時間（中央値・95パーセンタイル）"),
    "contents": ("Contents", "目次"),
    "changes": ("What changed", "変化した点"),
    "baseline": ("baseline", "基準"),
    "candidate": ("this run", "今回"),
    "metric": ("metric", "指標"),
    "before": ("before", "前"),
    "after": ("after", "後"),
    "difference": ("difference in points [95 %]", "差（ポイント）[95 %]"),
    "change": ("change", "変化"),
    "worse": ("worse", "悪化"),
    "better": ("better", "改善"),
    "none": ("no clear change", "明らかな変化なし"),
    "unknown": ("unknown", "不明"),
    "regressions": ("Cases that got worse, side by side", "悪化したケースの前後比較"),
    "more_regressions": ("more", "ほか"),
    "metrics": ("Metrics", "指標"),
    "mean_interval": ("mean [95 %]", "平均 [95 %]"),
    "n": ("cases", "件数"),
    "lower": ("lower is better", "低いほど良い"),
    "higher": ("higher is better", "高いほど良い"),
    "slices": ("Slices", "スライス別"),
    "by": ("by", "軸："),
    "gap": ("gap", "格差"),
    "over": ("over", "＞"),
    "paired": ("paired", "対応あり"),
    "unpaired": ("not paired", "対応なし"),
    "distribution": ("Score distribution", "スコアの分布"),
    "bins": ("cases by score", "スコア別の件数"),
    "cases": ("Cases", "ケース"),
    "worst_first": ("worst first", "悪い順"),
    "cut": (
        "This report holds the {shown} worst of {total} cases. All of them, page by page and with a token, are at",
        "全{total}件のうち悪い順に{shown}件だけを載せています。全件はここにあります（ページごと、トークンが必要）：",
    ),
    "cut_command": (
        "or by",
        "またはコマンド",
    ),
    "question": ("Question", "質問"),
    "answer": ("Answer", "回答"),
    "expected": ("Expected answer", "期待される回答"),
    "gold": ("Gold passages", "正解の文章"),
    "relevant": ("Relevant", "関連する文書"),
    "no_answer": ("There is no answer.", "回答はありません。"),
    "failure": ("Failure", "失敗"),
    "passages": ("Retrieved passages", "検索された文章"),
    "no_passages": ("No passage was retrieved.", "検索された文章はありません。"),
    "no_text": ("The text of this passage was not kept.", "この文章の本文は保存されていません。"),
    "text_cut": ("The rest was not kept.", "以降は保存されていません。"),
    "flagged": ("Flagged", "指摘箇所"),
    "support": ("support", "裏付け"),
    "claims": ("Claims", "主張"),
    "quote": ("quotes", "引用"),
    "abstained": ("declined to answer", "回答を控えた"),
    "unscored": ("Not scored", "採点できなかったもの"),
    "unscored_n": ("without", "件が採点不能："),
    "no_score": ("no score", "スコアなし"),
    "repeat": ("worst repeat of", "最も悪い回（繰り返し数）"),
    "fails": ("fails", "不合格の指標"),
    "figure_cases": ("Cases in this figure", "この図のケース"),
    "more": ("and more that this report does not hold", "ほか、このレポートに載せていないもの"),
    "how": ("How each number is made", "各数値の求め方"),
    "read_more": ("more in", "詳細："),
    "provenance": ("What was measured", "測定対象と来歴"),
    "none_metrics": ("The run has no metrics.", "この実行には指標がありません。"),
    "top": ("to the top", "先頭へ"),
    "controls": ("Control cases", "対照ケース"),
    "controls_told": (
        "The scorers missed {missed} of {planned} cases that are known to be wrong; the suite allows {allowed}.",
        "誤りと分かっているケース{planned}件のうち、採点器は{missed}件を見逃しました。許容は{allowed}件です。",
    ),
}

NUMBERS: Final[Mapping[str, Pair]] = {
    "pessimistic": ("pessimistic", "悲観的"),
    "clusters": ("documents", "文書数"),
    "margin": ("not worse than the margin", "余裕内の非劣性"),
    "holm": ("with the other metrics", "他の指標と同時"),
    "worse_probability": ("probability of being worse", "悪化の事後確率"),
    "detectable": ("smallest detectable change", "検出可能な最小の変化"),
}
"""Names of numbers that stand beside mean and interval; one that is not here is shown by its own name."""

METHODS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "verdict": (
        ("Verdict", "判定"),
        (
            "Pass where the whole interval is inside the limit, fail where it is wholly outside, else inconclusive.",
            "三値です。区間全体が限度内なら合格、区間全体が限度外なら不合格、それ以外は判定不能です。",
        ),
    ),
    "mean": (
        ("Mean", "平均"),
        (
            "The mean over the scored cases; a case's repeats count once. What has no score is not a zero.",
            "採点されたケースの平均です。繰り返しは平均して一件と数えます。スコアのないものをゼロとは数えません。",
        ),
    ),
    "interval": (
        ("Interval", "信頼区間"),
        (
            "Two-sided, 95 %: Wilson's for rates, a bootstrap for other means, clustered by source document.",
            "両側95 %。割合にはウィルソン法、それ以外の平均にはブートストラップを、元文書ごとにまとめて用います。",
        ),
    ),
    "coverage": (
        ("Coverage", "カバレッジ"),
        (
            "The share of the cases that could be scored, rounded down. Too small a share makes the run inconclusive.",
            "採点できたケースの割合です（切り捨て）。小さすぎると判定不能になります。",
        ),
    ),
    "pessimistic-interval": (
        ("Pessimistic interval", "悲観的区間"),
        (
            "The interval with every case that was not scored counted as the worst that it could have been.",
            "採点できなかったケースをすべて最悪の値とみなした区間です。",
        ),
    ),
    "gap": (
        ("Gap", "格差"),
        (
            "Best group minus worst group of an axis, over paired cases where most cases have a counterpart.",
            "軸の中で最良の群と最悪の群の差です。大半のケースに対応があれば、対応のある差を用います。",
        ),
    ),
    "paired-difference": (
        ("Paired difference", "対応のある差"),
        (
            "This run minus the baseline, case by case; the interval is that of the differences, not of two means.",
            "ケースごとに今回から基準を引いた差です。区間は二つの平均からではなく、差そのものから求めます。",
        ),
    ),
    "mcnemar": (
        ("McNemar's p", "マクネマー検定のp値"),
        (
            "How likely so lopsided a split of the cases that changed is by chance, exact and two-sided.",
            "変化したケースの偏りが偶然に生じる確率です（正確検定、両側）。",
        ),
    ),
    "non-inferiority": (
        ("Non-inferiority", "非劣性"),
        (
            "Whether the whole interval of the difference is no worse than the margin that policy allows.",
            "差の区間全体が、ポリシーの許す余裕の範囲内にあるかどうかです。",
        ),
    ),
    "holm": (
        ("Holm's correction", "ホルムの補正"),
        (
            "Of several claims at once, each p is raised so that the chance of any false one stays at its level.",
            "複数の主張を同時に扱うとき、一つでも誤る確率が水準を超えないよう、p値を引き上げます。",
        ),
    ),
    "posterior": (
        ("Posterior", "事後確率"),
        (
            "The probability, by a beta-binomial model, that this version is worse by more than the margin.",
            "ベータ二項モデルによる、この版が余裕を超えて悪い確率です。",
        ),
    ),
    "minimum-detectable-effect": (
        ("Minimum detectable effect", "検出可能な最小の差"),
        (
            "The smallest change that this many cases would have shown four times out of five.",
            "この件数で五回に四回は検出できる、最小の変化です。",
        ),
    ),
}
