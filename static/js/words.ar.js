window.WORDS = {
"A picture may have at most 5 MB.": "للصورة 5 ميغابايت على الأكثر.",
"A post has at most four pictures.": "للمنشور أربع صور على الأكثر.",
"Close": "إغلاق",
"Describe it for people who cannot see it": "صفها لمن لا يستطيع رؤيتها",
"Description": "الوصف",
"Link copied.": "نُسخ الرابط.",
"Next picture": "الصورة التالية",
"Not sent. Your text is safe.": "لم يُرسل. نصك محفوظ.",
"Only pictures can be added: JPEG, PNG, WebP, AVIF and GIF.": "لا تُضاف إلا الصور: JPEG وPNG وWebP وAVIF وGIF.",
"Picture": "صورة",
"Previous picture": "الصورة السابقة",
"Remove this picture": "إزالة هذه الصورة",
"Retry": "إعادة المحاولة",
"That did not go through. Try again in a moment.": "لم ينجح ذلك. حاول مجددًا بعد قليل.",
"Undo": "تراجع"
};
