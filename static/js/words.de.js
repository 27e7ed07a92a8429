window.WORDS = {
"A picture may have at most 5 MB.": "Ein Bild darf höchstens 5 MB haben.",
"A post has at most four pictures.": "Ein Beitrag hat höchstens vier Bilder.",
"Close": "Schließen",
"Describe it for people who cannot see it": "Beschreibe es für Leute, die es nicht sehen können",
"Description": "Beschreibung",
"Link copied.": "Link kopiert.",
"Next picture": "Nächstes Bild",
"Not sent. Your text is safe.": "Nicht gesendet. Dein Text ist sicher.",
"Only pictures can be added: JPEG, PNG, WebP, AVIF and GIF.": "Nur Bilder können hinzugefügt werden: JPEG, PNG, WebP, AVIF und GIF.",
"Picture": "Bild",
"Previous picture": "Voriges Bild",
"Remove this picture": "Dieses Bild entfernen",
"Retry": "Noch einmal",
"That did not go through. Try again in a moment.": "Das hat nicht geklappt. Versuch es gleich noch einmal.",
"Undo": "Rückgängig"
};
