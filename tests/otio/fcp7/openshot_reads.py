"""Run with the Python that OpenShot is installed for: lets OpenShot's own importer read an xmeml file, without a window,
and prints what it placed, as JSON.

    python3 openshot_reads.py cut.xml NUM DEN

OpenShot writes its settings below HOME: give it a HOME of its own.
"""

import importlib.util
import json
import os
import sys


class Nothing:
    """Stands for a window that nobody looks at."""

    def __getattr__(self, name):
        return self

    def __call__(self, *arguments, **named):
        return self


class Chooser:
    """Stands for the dialog in which a person chooses the file."""

    @staticmethod
    def getOpenFileName(*arguments):
        return path, ""


path, num, den = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
spec = importlib.util.find_spec("openshot_qt")
if spec is None:
    sys.exit("OpenShot (package openshot_qt) is not installed for this Python")
sys.path.insert(0, spec.submodule_search_locations[0])
sys.argv = sys.argv[:1]
from classes.app import OpenShotApp  # noqa: E402

app = OpenShotApp(sys.argv, mode="unittest")
app._tr = lambda text: text
app.window = Nothing()
app.project._data["fps"] = {"num": num, "den": den}

from urllib.parse import unquote  # noqa: E402

import classes.importers.final_cut_pro as importer  # noqa: E402

importer.QFileDialog = Chooser
importer.find_missing_file = lambda url: (unquote(url.replace("file://localhost", "")), False, False)
importer.import_xml()

from classes.query import Clip, File, Track  # noqa: E402

names = {file.id: os.path.basename(file.data["path"]) for file in File.filter()}
print(
    json.dumps(
        {
            "clips": [
                {
                    "layer": clip.data["layer"],
                    "at": clip.data["position"] * num / den,
                    "in": clip.data["start"] * num / den,
                    "out": clip.data["end"] * num / den,
                    "file": names[clip.data["file_id"]],
                    "title": clip.data["title"],
                }
                for clip in Clip.filter()
            ],
            "locked": {str(track.data["number"]): track.data.get("lock") for track in Track.filter()},
        }
    )
)
