from dataclasses import replace

from picturewise.evaluation.evaluation import Interval, SequenceScores
from picturewise.reporting.headline import headline


def test_one_model_is_summed_up_by_its_accuracy_and_interval(report):
    top = headline(report({"cnn": 0.9}))
    assert top.number == "90.00 %"
    assert top.sentence == (
        "of 200 test pictures were classified correctly (95 % interval: 89.00 % to 91.00 %)."
    )
    assert top.remarks == ()


def test_of_several_models_the_most_accurate_is_named(report):
    top = headline(report({"mlp": 0.8, "cnn": 0.9}))
    assert top.number == "90.00 %"
    assert "by cnn, the most accurate of 2 models" in top.sentence
    assert top.model.name == "cnn"


def test_the_lead_is_told_with_its_interval_and_test(report):
    (lead, _) = headline(report({"mlp": 0.8, "cnn": 0.9})).remarks
    assert lead == (
        "cnn minus mlp: +10.00 (+8.00 to +11.00) percentage points, p = 0.040. "
        "The difference is unlikely to be due to chance."
    )


def test_where_the_reference_leads_the_next_best_is_compared(report):
    (lead, _) = headline(report({"cnn": 0.9, "mlp": 0.7, "vgg": 0.8})).remarks
    assert lead.startswith("vgg minus cnn: −10.00")


def test_a_lead_that_may_be_chance_is_called_so(report):
    whole = report({"cnn": 0.9, "mlp": 0.89})
    (table,) = whole.comparisons
    first, second = table.rows
    second = replace(second, paired=second.paired.model_copy(update={"adjusted_p_value": 0.3}))
    whole = replace(whole, comparisons=(replace(table, rows=(first, second)),))
    assert headline(whole).remarks[0].endswith("The difference may be due to chance.")


def test_the_best_of_several_comes_with_a_caution(report):
    assert "several test scores is optimistic" in headline(report({"cnn": 0.9, "mlp": 0.8})).remarks[-1]


def test_a_model_without_evaluation_is_named(report):
    assert "Not evaluated on the test split yet: mlp." in headline(report({"cnn": 0.9, "mlp": None})).remarks


def test_without_any_evaluation_there_is_no_number(report):
    top = headline(report({"cnn": None}))
    assert (top.number, top.model) == ("", None)
    assert top.sentence == "Not evaluated on the test split yet."


def test_models_evaluated_on_different_pictures_are_not_ranked(report, model):
    whole = report({"cnn": 0.9, "mlp": 0.8})
    other = model("mlp", accuracy=0.8, fingerprint="0" * 64)
    top = headline(replace(whole, models=(whole.models[0], other)))
    assert (top.number, top.model) == ("", None)
    assert "different pictures" in top.sentence


def test_models_of_classes_are_not_ranked_among_those_of_sequences(report):
    whole = replace(report({"digits": 0.9, "ctc": 0.7, "places": 0.6}), comparisons=())
    digits, *others = whole.models
    edits = Interval(value=0.3, low=0.2, high=0.4)
    read = SequenceScores(most_symbols=3, lengths=(), places=(), edit_distance=edits)
    reading = tuple(
        replace(
            one, evaluation=one.evaluation.model_copy(update={"sequences": read, "fingerprint": "1" * 64})
        )
        for one in others
    )
    top = headline(replace(whole, models=(digits, *reading)))
    assert (top.number, top.model.name) == ("70.00 %", "ctc")
    assert "by ctc, the most accurate of 2 models" in top.sentence
    assert any("digits predicts classes, not sequences" in remark for remark in top.remarks)
    alone = headline(replace(whole, models=(digits, reading[0])))
    assert "by ctc (95 % interval" in alone.sentence
    assert not any("optimistic" in remark for remark in alone.remarks)
