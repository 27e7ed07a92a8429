window.WORDS = {
"A picture may have at most 5 MB.": "",
"A post has at most four pictures.": "للمنشور أربع صور على الأكثر.",
"Close": "إغلاق",
"Describe it for people who cannot see it": "صفها لمن لا يستطيع رؤيتها",
"Description": "",
"Link copied.": "نُسخ الرابط.",
"Next picture": "",
"Not sent. Your text is safe.": "لم يُرسل. نصك محفوظ.",
"Only pictures can be added: JPEG, PNG, WebP, AVIF and GIF.": "",
"Picture": "صورة",
"Previous picture": "",
"Remove this picture": "",
"Retry": "إعادة المحاولة",
"That did not go through. Try again in a moment.": "لم ينجح ذلك. حاول مجددًا بعد قليل."
};
