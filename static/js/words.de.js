window.WORDS = {
"A picture may have at most 5 MB.": "",
"A post has at most four pictures.": "Ein Beitrag hat höchstens vier Bilder.",
"Close": "Schließen",
"Describe it for people who cannot see it": "Beschreibe es für Leute, die es nicht sehen können",
"Description": "",
"Link copied.": "Link kopiert.",
"Next picture": "",
"Not sent. Your text is safe.": "Nicht gesendet. Dein Text ist sicher.",
"Only pictures can be added: JPEG, PNG, WebP, AVIF and GIF.": "",
"Picture": "Bild",
"Previous picture": "",
"Remove this picture": "",
"Retry": "Noch einmal",
"That did not go through. Try again in a moment.": "Das hat nicht geklappt. Versuch es gleich noch einmal."
};
