curl -s -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=authorization_code \
  -d "code=$CODE" -d "redirect_uri=$BACK" -d "code_verifier=$VERIFIER" "$HOST/2/oauth2/token"
