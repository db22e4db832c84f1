package client.claroScores;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Base64;

import org.codehaus.jackson.JsonProcessingException;
import org.codehaus.jackson.map.ObjectMapper;
import org.springframework.http.HttpEntity;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.client.RestClientException;
import org.springframework.web.client.RestTemplate;


public class App {
	
	private static final String KEY = "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXX";
	
	private static final String SECRET = "XXXXXXXXXXXX";
	
	private static final String GRANT_TYPE = "client_credentials";
	
	private static final String URL = "https://api.claro.com.br";
	
	private static final String END_POINT_ACCESS_TOKEN = "/oauth2/v1/token";
	
	private static final String END_POINT_API_SCORE = "/customers/v1/scores";
	
	
    public static void main( String[] args ) throws URISyntaxException, JsonProcessingException, IOException{
    	
    	App app = new App();
    	
    	String token = app.getAccessToken();
    	String cpf = "XXXXXXXXXXX";
    	
    	System.out.println("Score: " + app.getScore( token , cpf ));
    }
    
    public String getScore(String acessToken, String cpf) throws RestClientException, URISyntaxException {
    	
    	HttpHeaders headers = new HttpHeaders();
    	headers.setContentType(MediaType.APPLICATION_JSON);
    	headers.add("cache-control","no-cache");
    	headers.add("x-client-auth", "Bearer " + acessToken);
	headers.add("X-CustomerID", "claro_exemplo");
    	
    	HttpEntity<Score> request = new HttpEntity<>(new Score(cpf), headers);
    	
    	RestTemplate restTemplate = new RestTemplate();
    	ResponseEntity<String> result = restTemplate.postForEntity(new URI(URL + END_POINT_API_SCORE), 
    			request, String.class);
    	
    	return result.getBody();
    }
    
    public String getAccessToken() throws URISyntaxException, JsonProcessingException, IOException {
    	
    	String senha = Base64.getEncoder().encodeToString( App.KEY.concat(":").concat(App.SECRET).getBytes() );
    	
    	HttpHeaders headers = new HttpHeaders();
    	headers.setContentType(MediaType.APPLICATION_FORM_URLENCODED);
    	headers.add("cache-control","no-cache");
    	headers.add("x-client-auth", "Basic " + senha);
    	
    	MultiValueMap<String, String> parameters = new LinkedMultiValueMap<>();
    	parameters.add("grant_type", GRANT_TYPE);
    
    	HttpEntity<MultiValueMap<String, String>> request = new HttpEntity<>(parameters, headers);
    
    	RestTemplate restTemplate = new RestTemplate();
    	ResponseEntity<String> result = restTemplate.postForEntity(new URI(URL + END_POINT_ACCESS_TOKEN), 
    			request, String.class);
    	
    	return new ObjectMapper().readTree(result.getBody()).get("access_token").asText() ;
    	
    }
    
    class Score{

    	public Score(String cpf) {
			this.data = new Data(cpf);
		}

		private Data data;

		public Data getData() {
			return data;
		}

		public void setData(Data data) {
			this.data = data;
		}
    }
    
    class Data{
    	
    	public Data(String cpf) {
			this.customer = new Customer(cpf);
		}
 
		private Customer customer;
		
    	public Customer getCustomer() {
			return customer;
		}

		public void setCustomer(Customer customer) {
			this.customer = customer;
		}

		class Customer{
    		
    		public Customer(String idCpf) {
				this.idCpf = idCpf;
			}
			private String idCpf;

			public String getIdCpf() {
				return idCpf;
			}

			public void setIdCpf(String idCpf) {
				this.idCpf = idCpf;
			}
    	}
    }  
}
