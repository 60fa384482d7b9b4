from picturewise.recipes.options import TrainingOptions
from picturewise.recipes.recipe import recipe_keys
from picturewise.reporting.option_names import OPTION_NAMES, machine_words, option_words

# Device, number format and threads are facts of the machine; how often is saved has no effect on the result.
ELSEWHERE = {"training.device", "training.precision", "training.threads", "training.checkpoint_minutes"}


def test_every_training_option_has_a_name_in_words():
    options = {f"training.{name}" for name in TrainingOptions.model_fields}
    assert {key for key in OPTION_NAMES if key.startswith("training.")} == options - ELSEWHERE
    assert set(OPTION_NAMES) <= set(recipe_keys())
    assert not [name for name in OPTION_NAMES.values() if "_" in name or "." in name]
    assert len(set(OPTION_NAMES.values())) == len(OPTION_NAMES)


def test_values_are_written_in_words():
    assert option_words(
        {
            "training.learning_rate": 0.005,
            "training.label_smoothing": 0.0,
            "training.patience": None,
            "preparation.augmentation": ("crop 3", "flip"),
            "preparation.views": (),
            "preparation.grey": False,
            "data.source": "digits",
        }
    ) == {
        "Pictures in grey": "no",
        "Augmentation": "crop 3, flip",
        "Views averaged": "none",
        "Learning rate": "0.005",
        "Label smoothing": "0",
    }


def test_how_layers_are_unfrozen_is_told_where_any_are():
    gradually = {"training.unfreeze_gradually": False, "training.unfreeze_epoch": None}
    assert option_words(gradually) == {}
    assert option_words({**gradually, "training.unfreeze_epoch": 3}) == {
        "Unfrozen from epoch": "3", "Unfrozen layer by layer": "no",
    }  # fmt: skip


def test_facts_of_a_machine_have_names_in_words():
    assert list(machine_words({"device": "cpu", "torch": "2.13", "python": "3.11"})) == [
        "Device", "PyTorch", "Python",
    ]  # fmt: skip
