"""The images of an experiment: a data set by name, or what is in a folder, wherever that is."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from fflib.data import IMAGES, NAMES, Dataset, find_folder, load
from fflib.errors import DataError

__all__ = ["FOUND", "OfImages"]

FOUND = IMAGES
"""The field that is found and not chosen."""

OF_FOLDERS = ("size", "groups", FOUND)


class OfImages(BaseModel):
    """The fields of an experiment that say which images it is on."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    dataset: Annotated[
        str, WithJsonSchema({"anyOf": [{"enum": [*NAMES]}, {"type": "string", "title": "FOLDER"}]})
    ] = "mnist"
    """A data set by name, or the path of a folder of class folders."""
    size: int | None = Field(None, ge=4)
    """Pixels of a side to which the images of a folder are brought; by default large ones are."""
    groups: str | None = None
    """Regular expression for what in the names of a folder's files says which belong together, so that
    none of them is tested with if another is trained on."""
    images: str | None = Field(None, pattern=r"^[0-9a-f]{32}$")
    """Digest of what is in a folder, found there if left out: images, classes and division."""

    @model_validator(mode="after")
    def _look_at_images(self) -> "OfImages":
        if self.dataset in NAMES:
            for name in OF_FOLDERS:
                if (value := getattr(self, name)) is not None:
                    raise ValueError(
                        f"{name} is for a folder of images, got {value!r} with dataset "
                        f"{self.dataset!r}: leave it out"
                    )
        elif self.images is None:
            found = load(folder := find_folder(self.dataset), size=self.size, groups=self.groups)
            # Only here is what is frozen filled in.
            self.__dict__ |= {"dataset": str(folder), FOUND: found.checksums[IMAGES]}
        return self

    @property
    def dataset_name(self) -> str:
        """The name of the data set, or that of the folder without its place."""
        return self.dataset if self.images is None else Path(self.dataset).name

    def data(self, download: bool = True) -> Dataset:
        """Load the images to train on and to test with.

        The errors are those of :func:`fflib.data.load`; a folder that holds other images than those
        of the experiment raises a DataError, too.
        """
        found = load(self.dataset, download=download, size=self.size, groups=self.groups)
        if self.images not in (None, found.checksums.get(IMAGES)):
            raise DataError(
                f"{self.dataset} must hold the images of this experiment ({self.images}), found "
                f"others ({found.checksums[IMAGES]}): bring them back, or describe it again"
            )
        return found

    def addressed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return fields with the digest of a folder in place of all else that is said of it."""
        if self.images is None:
            return content
        others = {name: value for name, value in content.items() if name not in OF_FOLDERS}
        return others | {"dataset": f"folder:{self.images}"}
