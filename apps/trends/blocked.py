"""Words that never trend anywhere, besides those of operators (`TrendRule`).

Calls to follow each other and what advertises itself; small on purpose. What is hateful or
indecent differs from house to house and changes by the day: that is for the operators to say.
"""

WORDS = frozenset({
    "f4f", "follow4follow", "followback", "followme", "followtrain", "follow train",
    "gain followers", "teamfollowback", "tfb", "l4l", "like4like", "rt2win", "retweet",
    "please retweet", "rt", "ff", "followfriday", "openfollow", "mgwv", "sougofollow",
    "相互フォロー", "takipedenitakipederim", "gt", "nsfw", "porn", "xxx", "onlyfans",
    "nudes", "casino", "giveaway", "giveaways", "airdrop",
})  # fmt: skip
