"""What a panel of an explorer says of itself, and how a reader chooses in it."""


def said(panel):
    """The data attributes of a panel."""
    return panel.evaluate("(node) => ({...node.dataset})")


def whole(text):
    return [int(number) for number in text.split()]


def choose(panel, **choices):
    for name, choice in choices.items():
        panel.locator(f"select.{name}").select_option(**choice)
