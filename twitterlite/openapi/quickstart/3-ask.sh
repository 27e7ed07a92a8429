VERIFIER=$(openssl rand -hex 32)
CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d '=')
echo "Keep this: $VERIFIER"
echo "Open this: $HOST/i/oauth2/authorize?response_type=code&client_id=$CLIENT_ID&redirect_uri=$BACK&scope=tweet.read%20tweet.write%20users.read%20offline.access&state=1&code_challenge=$CHALLENGE&code_challenge_method=S256"
