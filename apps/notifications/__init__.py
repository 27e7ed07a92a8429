"""What people are told: mentions, replies, quotes, likes, retweets, follows, and requests."""
