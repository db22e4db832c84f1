import requests, json
import base64

KEY="XXXXXXXXXXXXXXXXXXXXXXXXXXXX"
SECRET="XXXXXXXXXXX"

SENHA = base64.b64encode( (KEY + ':' + SECRET ).encode('ascii') ).decode('ascii')

GRANT_TYPE = "client_credentials";

URL = "https://api.claro.com.br";
END_POINT_ACCESS_TOKEN = "/oauth2/v1/token";
END_POINT_API_SCORE = "/customers/v1/scores";

headers={'Content-Type':'application/x-www-form-urlencoded','cache-control':'no-cache','x-client-auth': 'Basic {}'.format(SENHA)}

data = {'grant_type': 'client_credentials'}

respToken = requests.post(URL + END_POINT_ACCESS_TOKEN , headers=headers , data= data)
if respToken.status_code != 200:
    print('Erro: ' + str( respToken.status_code))
else:
    token = json.loads( respToken.text)['access_token']

    headers_app = {'Content-Type': 'application/json',
                   'X-CustomerID': 'claro_exemplo',
                   'cache-control':'no-cache',
                   'user-agent':'curl/7.60.0',
                   'x-client-auth': 'Bearer {}'.format(token)}

    cpf = "XXXXXXXXXXX"
    data_app = {"data":{"customer":{"idCpf": cpf }}}

    respScore = requests.post(URL + END_POINT_API_SCORE, headers=headers_app , data= json.dumps(data_app))

    if respScore.status_code != 200:
        print('Erro: ' + str(respScore.status_code))
    else:
        print('Score ' + str( respScore.text ))
