# SPDX-License-Identifier: GPL-3.0-or-later
"""German."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "1 take is queued": "1 Take ist in der Warteschlange",
    "A Sequence of Its Own": "Eine eigene Sequenz",
    "A draft: no model for this is here": "Ein Entwurf: dafür ist kein Modell da",
    "A mask or a text cannot stand in the cut": "Eine Maske oder ein Text kann nicht im Schnitt stehen",
    "A project beside this file": "Ein Projekt neben dieser Datei",
    "All frames that the strip shows, as a clip that is followed": (
        "Alle Bilder des Strips, als Clip, dem gefolgt wird"
    ),
    "Another Blender renders the input": "Ein anderes Blender rendert die Vorlage",
    "Another size than the sequence's": "Eine andere Größe als die der Sequenz",
    "Answer": "Antwort",
    "Answer what this copy of the file is": "Sagen, was diese Kopie der Datei ist",
    "Asked for: {what}": "In Auftrag: {what}",
    "At the Playhead": "Am Abspielkopf",
    "Automatic": "Automatisch",
    "Backward": "Rückwärts",
    "Both": "Beide",
    "Cancel Job": "Auftrag abbrechen",
    "Cancel Waiting Jobs of Selection": "Wartende Aufträge der Auswahl abbrechen",
    "Cancel the jobs that wait for the shots of the selected strips; of others nothing is touched": (
        "Die wartenden Aufträge für die Shots der ausgewählten Strips abbrechen; andere bleiben unberührt"
    ),
    "Cancelled": "Abgebrochen",
    "Cannot be shown": "Nicht darstellbar",
    "Change the active picture as the prompt says": "Das aktive Bild ändern, wie der Prompt es sagt",
    "Choose What to Make": "Wählen, was entstehen soll",
    "Choose what the Generate panel is about": "Wählen, worum es im Feld Erzeugen geht",
    "Clear": "Leeren",
    "Clear Messages": "Meldungen leeren",
    "Clear Points": "Punkte löschen",
    "Clear the messages below": "Die Meldungen leeren",
    "Click in the preview on what to mask. Ctrl and click: what does not belong to it": (
        "In der Vorschau anklicken, was maskiert werden soll. Strg und Klick: was nicht dazugehört"
    ),
    "Click: belongs to it   Ctrl Click: does not   Backspace: take back   Enter: done   Esc: as before": (
        "Klick: gehört dazu   Strg Klick: gehört nicht dazu   Rücktaste: zurücknehmen   Enter: fertig   Esc: wie vorher"
    ),
    "Compare Take": "Take vergleichen",
    "Conflicts": "Konflikte",
    "Connect": "Verbinden",
    "Connect first, and unlink what is linked": "Erst verbinden, und Verknüpftes lösen",
    "Connection": "Verbindung",
    "Cut out what points or words choose, on one frame": "Freistellen, was Punkte oder Worte wählen, auf einem Bild",
    "Cut out what points or words choose, through the clip": (
        "Freistellen, was Punkte oder Worte wählen, durch den Clip"
    ),
    "Direction": "Richtung",
    "Disconnect": "Trennen",
    "Draw Points": "Punkte zeichnen",
    "Draw points in the preview, or say in words what to mask": (
        "Punkte in der Vorschau zeichnen, oder in Worten sagen, was maskiert werden soll"
    ),
    "Edge": "Kante",
    "Edit Image": "Bild ändern",
    "End Comparison": "Vergleich beenden",
    "Engine": "Engine",
    "Engines": "Engines",
    "Extend": "Verlängern",
    "Failed": "Fehlgeschlagen",
    "Fill the Generate panel with the settings that the active strip's take was made with": (
        "Das Feld Erzeugen mit den Einstellungen füllen, mit denen der Take des aktiven Strips entstand"
    ),
    "Fill the gap at the playhead, led by the pictures on both sides": (
        "Die Lücke am Abspielkopf füllen, geführt von den Bildern auf beiden Seiten"
    ),
    "First Frame": "Erstes Bild",
    "Forget the link. The strips stay as they are; what is in the daemon stays too": (
        "Die Verknüpfung vergessen. Die Strips bleiben, wie sie sind; was im Daemon ist, bleibt auch"
    ),
    "Forget the points": "Die Punkte vergessen",
    "Forward": "Vorwärts",
    "Frames": "Bilder",
    "Frames from the playhead": "Bilder vom Abspielkopf",
    "Frames {first} to {last} of the sequence": "Bilder {first} bis {last} der Sequenz",
    "From Strips": "Aus Strips",
    "From the marked frame to the beginning": "Vom markierten Bild zum Anfang",
    "From the marked frame to the end": "Vom markierten Bild zum Ende",
    "From the marked frame towards both ends": "Vom markierten Bild zu beiden Enden",
    "Generate": "Erzeugen",
    "Genlock is connected": "Genlock ist verbunden",
    "Genlock is not connected": "Genlock ist nicht verbunden",
    "Go on behind the active strip, from its last frame": (
        "Hinter dem aktiven Strip fortfahren, von seinem letzten Bild an"
    ),
    "Gone": "Nicht mehr da",
    "Height": "Höhe",
    "How": "Wie",
    "How closely the selected strips are followed": "Wie genau den ausgewählten Strips gefolgt wird",
    "How many takes to make at once": "Wie viele Takes auf einmal entstehen",
    "In": "Anfang",
    "Input is rendered": "Vorlage wird gerendert",
    "Into the Gap": "In die Lücke",
    "Jobs": "Aufträge",
    "Keep Both": "Beides behalten",
    "Keep What Stands": "Bestehendes behalten",
    "Last Frame": "Letztes Bild",
    "Lay Mask over Strip": "Maske über den Strip legen",
    "Lay this mask over the strip, as a clip with alpha on a channel above": (
        "Diese Maske über den Strip legen, als Clip mit Alpha auf einem Kanal darüber"
    ),
    "Lay this take over the strip, to look at both": "Diesen Take über den Strip legen, um beide anzusehen",
    "Leave the daemon. Linked scenes stay linked; what you edit is sent when you connect again": (
        "Den Daemon verlassen. Verknüpfte Szenen bleiben verknüpft; was geändert wird, wird beim nächsten "
        "Verbinden gesendet"
    ),
    "Left Half": "Linke Hälfte",
    "Length in frames of the sequence": "Länge in Bildern der Sequenz",
    "Link this scene to a sequence first": "Erst diese Szene mit einer Sequenz verknüpfen",
    "Link to Sequence": "Mit Sequenz verknüpfen",
    "Look Again": "Noch einmal nachsehen",
    "Look at every strip at once, and try again what could not be sent or shown": (
        "Jeden Strip gleich ansehen, und noch einmal versuchen, was nicht gesendet oder gezeigt werden konnte"
    ),
    "Look for the daemon, and go on looking": "Den Daemon suchen, und weiter suchen",
    "Make a new shot at the playhead, on a free channel": (
        "Einen neuen Shot am Abspielkopf machen, auf einem freien Kanal"
    ),
    "Make a new shot that follows the selected strips": "Einen neuen Shot machen, der den ausgewählten Strips folgt",
    "Make a sequence of this scene's strips, and keep both in step from then on": (
        "Aus den Strips dieser Szene eine Sequenz machen, und beide von da an im Gleichschritt halten"
    ),
    "Make a take here, as the Generate panel says": "Hier einen Take machen, wie das Feld Erzeugen es sagt",
    "Make anew what points or words choose in the active strip": (
        "Neu machen, was Punkte oder Worte im aktiven Strip wählen"
    ),
    "Make further takes of the selected shots": "Weitere Takes der ausgewählten Shots machen",
    "Make the marked range of the active strip again": "Den markierten Bereich des aktiven Strips noch einmal machen",
    "Mark Range": "Bereich markieren",
    "Mark a range first: the scene's preview range, or in and out below": (
        "Erst einen Bereich markieren: den Vorschaubereich der Szene, oder Anfang und Ende unten"
    ),
    "Mark the range to make again: the scene's preview range": (
        "Den Bereich markieren, der noch einmal entsteht: den Vorschaubereich der Szene"
    ),
    "Mask": "Maske",
    "More Takes": "Mehr Takes",
    "Name": "Name",
    "New Project": "Neues Projekt",
    "New Sequence from Scene": "Neue Sequenz aus Szene",
    "Next": "Als Nächstes",
    "Next Take": "Nächster Take",
    "No engine does this": "Keine Engine kann das",
    "No engine is known yet": "Noch ist keine Engine bekannt",
    "No job": "Kein Auftrag",
    "No job waits for the selected strips": "Kein Auftrag wartet für die ausgewählten Strips",
    "No question is open": "Keine Frage ist offen",
    "No range": "Kein Bereich",
    "No scene is shown": "Keine Szene wird gezeigt",
    "No sequence is known yet": "Noch ist keine Sequenz bekannt",
    "No strip is active": "Kein Strip ist aktiv",
    "Not": "Nicht",
    "Not taken: {why}": "Nicht angenommen: {why}",
    "Nothing is compared": "Nichts wird verglichen",
    "Offset": "Versatz",
    "On a Muted Channel": "Auf einem stummen Kanal",
    "One picture instead of a clip": "Ein Bild statt eines Clips",
    "Only in Blender": "Nur in Blender",
    "Open Web Panel": "Web-Panel öffnen",
    "Open the web panel in the browser, logged in": "Das Web-Panel im Browser öffnen, angemeldet",
    "Out": "Ende",
    "Own Size": "Eigene Größe",
    "Place {n}": "Platz {n}",
    "Project": "Projekt",
    "Prompt": "Prompt",
    "Put the job back into the queue": "Den Auftrag wieder in die Warteschlange stellen",
    "Put the playhead on the active strip first": "Erst den Abspielkopf auf den aktiven Strip setzen",
    "Ready": "Bereit",
    "Replace Part": "Teil ersetzen",
    "Retake Range": "Bereich neu",
    "Retry Job": "Auftrag wiederholen",
    "Running": "Läuft",
    "Seed": "Startwert",
    "Select Take": "Take wählen",
    "Select strips that show shots": "Strips auswählen, die Shots zeigen",
    "Select the strips to start from": "Die Strips auswählen, von denen ausgegangen wird",
    "Sequence": "Sequenz",
    "Settings of This Take": "Einstellungen dieses Takes",
    "Settle": "Beilegen",
    "Settle a conflict": "Einen Konflikt beilegen",
    "Settled by Hand": "Von Hand beigelegt",
    "Show a sequence of the daemon in this scene. Frame rate and size of the scene become the sequence's": (
        "Eine Sequenz des Daemons in dieser Szene zeigen. Bildrate und Größe der Szene werden die der Sequenz"
    ),
    "Show the next or the previous take": "Den nächsten oder den vorigen Take zeigen",
    "Show the next take": "Den nächsten Take zeigen",
    "Show the previous take": "Den vorigen Take zeigen",
    "Show this take wherever the shot stands": "Diesen Take zeigen, wo immer der Shot steht",
    "Steps": "Schritte",
    "Still": "Standbild",
    "Strength": "Stärke",
    "Strip": "Strip",
    "Strip History": "Geschichte des Strips",
    "Succeeded": "Fertig",
    "Take compared takes off the timeline again": "Verglichene Takes wieder von der Timeline nehmen",
    "Take the Other": "Das andere nehmen",
    "Take the job out of the queue, or stop it; nothing of it is kept": (
        "Den Auftrag aus der Warteschlange nehmen oder anhalten; nichts davon bleibt"
    ),
    "Takes": "Takes",
    "The Same Sequence": "Dieselbe Sequenz",
    "The active strip shows no generated take": "Der aktive Strip zeigt keinen erzeugten Take",
    "The active strip shows no shot": "Der aktive Strip zeigt keinen Shot",
    "The best engine that can": "Die beste Engine, die es kann",
    "The daemon answers": "Der Daemon antwortet",
    "The first frame that the strip shows": "Das erste Bild, das der Strip zeigt",
    "The job is made": "Der Auftrag wird ausgeführt",
    "The job's id, or empty for the chosen one": "Die Kennung des Auftrags, oder leer für den gewählten",
    "The last frame that the strip shows": "Das letzte Bild, das der Strip zeigt",
    "The left half is this take, the right half the shown one": (
        "Die linke Hälfte ist dieser Take, die rechte der gezeigte"
    ),
    "The marked range lies outside of the strip": "Der markierte Bereich liegt außerhalb des Strips",
    "The media of {name} are missing": "Die Medien von {name} fehlen",
    "The project it becomes part of": "Das Projekt, zu dem sie gehören wird",
    "The range begins here": "Der Bereich beginnt hier",
    "The range ends with this frame": "Der Bereich endet mit diesem Bild",
    "The range is that of the active strip": "Der Bereich ist der des aktiven Strips",
    "The same seed gives the same take; 0 gives each take its own": (
        "Derselbe Startwert gibt denselben Take; 0 gibt jedem Take seinen eigenen"
    ),
    "The sequence's name; the scene's when empty": "Der Name der Sequenz; leer: der der Szene",
    "The shot has no such take": "Der Shot hat diesen Take nicht",
    "The strip is not in the sequence yet": "Der Strip ist noch nicht in der Sequenz",
    "The strip shows this take already": "Der Strip zeigt diesen Take schon",
    "There are no points": "Es gibt keine Punkte",
    "There is no gap between strips at the playhead": "Am Abspielkopf ist keine Lücke zwischen Strips",
    "This file goes its own way from here": "Diese Datei geht von hier an ihren eigenen Weg",
    "This file is linked to nothing": "Diese Datei ist mit nichts verknüpft",
    "This file takes the other one's place": "Diese Datei nimmt den Platz der anderen ein",
    "This scene is linked to nothing": "Diese Szene ist mit nichts verknüpft",
    "This scene is not linked to a sequence": "Diese Szene ist mit keiner Sequenz verknüpft",
    "Track": "Verfolgen",
    "Unlink": "Verknüpfung lösen",
    "Use": "Verwenden",
    "Waiting": "Wartet",
    "What": "Was",
    "What is to be seen": "Was zu sehen sein soll",
    "What is to be seen and heard": "Was zu sehen und zu hören sein soll",
    "What of a selected strip is followed": "Welchem Teil eines ausgewählten Strips gefolgt wird",
    "What should not be there": "Was nicht da sein soll",
    "What to mask, in words: the ferry": "Was maskiert werden soll, in Worten: die Fähre",
    "What to show here": "Was hier gezeigt werden soll",
    "Where to follow": "Wohin verfolgt wird",
    "Who makes it": "Wer es macht",
    "Whole Range": "Ganzer Bereich",
    "Whole; switch it on and off with H and Alt H": "Ganz; mit H und Alt H aus- und einschalten",
    "Width": "Breite",
    "Write a prompt first": "Erst einen Prompt schreiben",
    "and {n} more": "und {n} weitere",
    "given": "vorgegeben",
    "no take yet": "noch kein Take",
    "ready": "bereit",
    "seed": "Startwert",
    "{name} has no further take": "{name} hat keinen weiteren Take",
    "{name} has no picture": "{name} hat kein Bild",
    "{name} has no take yet": "{name} hat noch keinen Take",
    "{name} is a clip, not a picture": "{name} ist ein Clip, kein Bild",
    "{name} is a still: edit it instead": "{name} ist ein Standbild: besser ändern",
    "{name} is a still: start from it instead": "{name} ist ein Standbild: besser davon ausgehen",
    "{name} is a still: there is nothing to follow": "{name} ist ein Standbild: nichts zu verfolgen",
    "{name} is no picture or clip: render it to a file first": (
        "{name} ist weder Bild noch Clip: erst in eine Datei rendern"
    ),
    "{name} shows no shot": "{name} zeigt keinen Shot",
    "1 local change is not sent yet": "1 Änderung ist noch nicht gesendet",
    "{n} local changes are not sent yet": "{n} Änderungen sind noch nicht gesendet",
    "1 point inside, {m} outside, on frame {frame}": "1 Punkt innen, {m} außen, auf Bild {frame}",
    "{n} points inside, {m} outside, on frame {frame}": "{n} Punkte innen, {m} außen, auf Bild {frame}",
}
OF_DATA = frozenset(
    {
        "Automatic",
        "Cancelled",
        "Failed",
        "Ready",
        "Running",
        "Succeeded",
        "The best engine that can",
        "Waiting",
        "given",
        "ready",
        "seed",
    }
)
"""Texts that are said of states and engines, by the names these have."""
