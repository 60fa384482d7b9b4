from picturewise.reporting.sections import model_sections


def test_every_model_has_a_section_in_the_order_of_the_report(report):
    whole = report({"<cnn>": 0.9, "mlp": None})
    sections = model_sections(whole)
    assert [(section.kind, section.title, section.anchor) for section in sections] == [
        ("Model", "<cnn>", "model-1"),
        ("Model", "mlp", "model-2"),
    ]
    assert tuple(section.facts for section in sections) == whole.models
    assert sections[0].figures == whole.models[0].figures
